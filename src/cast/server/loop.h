/* cast/server/loop.h: one event loop (libuv) and all that happens in it.
 *
 *     listening sockets ──accept──> connections (connection.h) ──head of a request──> routes (route.h)
 *     fan-out's poll set ─────────> cast_fanout_take_events
 *     tick timer, while there are listeners ──> cast_fanout_tick
 *     sweep timer, each second ──> connections that are too slow; loop 0: relays, and mounts that waited long
 * enough errands of other loops (errand.h)
 *
 * A loop's members belong to its thread, except for the errands.
 */
#ifndef CAST_SERVER_LOOP_H
#define CAST_SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "cast/air/fanout.h"
#include "cast/server/server.h"

struct cast_connection;
struct cast_errand;

struct cast_listening {
    uv_poll_t poll;
    struct cast_loop *loop;
    int socket;
};

struct cast_loop {
    struct cast_server *server;
    unsigned index;
    uv_loop_t uv;
    uv_thread_t thread;
    struct cast_listening listening[CAST_LISTENS_MOST];
    size_t listening_count;
    uv_poll_t fanout_poll, connection_poll;
    int connection_set; /* a poll set: libuv's own table of descriptors would grow with the listeners' */
    uv_timer_t tick, sweep;
    bool ticking;
    uv_async_t wake;
    struct neap_os_lock errand_lock;
    struct cast_errand *errands, **errands_end;   /* those that wait for this loop */
    struct cast_connection *connections, *oldest; /* all, doubly linked, the newest first */
    struct cast_connection *closed;               /* to be freed, linked by `behind` */
    bool arrivals_wait;                           /* until the next sweep: no descriptor is left */
    int spare; /* a descriptor that is given up when there is no other, so that a connection can be refused */
    bool stopping;
    struct cast_fanout fanout;
};

/* Makes a loop that listens at the server's addresses; where a port is 0, the one that it got is written
 * back. NULL, after a line on stderr, if it cannot. Before the threads start. */
struct cast_loop *cast_loop_new(struct cast_server *server, unsigned index);

/* Runs it until cast_loop_stop; loop 0 in the main thread, the others each in one of their own. */
void cast_loop_run(struct cast_loop *loop);

/* Ends the loop from within one of its callbacks: no new connections, listeners and sources closed. */
void cast_loop_stop(struct cast_loop *loop);

void cast_loop_destroy(struct cast_loop *loop);

/* Takes the settings that a fan-out has copies of from the station. */
void cast_loop_take_settings(struct cast_loop *loop);

/* There are listeners: the tick runs from now on. */
void cast_loop_start_ticking(struct cast_loop *loop);

/* Seconds and milliseconds of this loop's clock. */
uint32_t cast_loop_now_s(struct cast_loop *loop);
uint64_t cast_loop_now_ms(struct cast_loop *loop);

#endif
