/* cast/air/fanout.h: sends what is on air to the listeners of one loop.
 *
 *     tick, some times a second:   for each listener of this tick's share
 *                                      sendmsg(headers, ring, title, ring …)  straight from the ring
 *     listener full ──> blocked ──> the poll set says that he takes bytes again ──> sent to at once
 *
 * A batch is the time in which every listener has had one turn; it is divided into shares, so that the work
 * is spread evenly. A listener who is late goes on half a queue behind (mount.h), and the log says so once.
 * Nothing is copied and nothing is kept for him.
 *
 * One thread, that of its loop, calls all functions.
 */
#ifndef CAST_AIR_FANOUT_H
#define CAST_AIR_FANOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cast/air/air.h"
#include "cast/air/listener_table.h"

enum { CAST_SEATS_MOST = 4096, CAST_SHARES = 8 };

/* A mount as this loop knows it. Texts and blobs are those of the last look, so that a tick takes no lock for
 * each listener. */
struct cast_seat {
    struct cast_mount *mount; /* held; NULL: the seat is free */
    uint32_t listeners;       /* of this loop */
    uint32_t title_version;
    struct cast_blob *title_block; /* held */
    bool ended;
};

struct cast_fanout_calls {
    /* A listener ends: write the log. The record and its words are still there, and the socket is open. */
    void (*ended)(void *context, const struct cast_listener *listener, const struct cast_mount *mount,
                  enum cast_end why);
    /* A listener was moved ahead for the first time. */
    void (*slow)(void *context, const struct cast_listener *listener, const struct cast_mount *mount);
};

struct cast_fanout {
    struct cast_air *air;
    const struct cast_fanout_calls *calls;
    void *context;
    uint32_t metadata_interval, listener_timeout_s;
    int poll_set; /* readable when cast_fanout_take_events has something to do */
    uint32_t now_s;
    uint32_t mounts_version; /* that the homes were looked for last */
    unsigned share;          /* of the next tick */
    size_t seat_end;
    struct cast_seat seats[CAST_SEATS_MOST];
    struct cast_listener_table table;
};

/* 0, NEAP_ERROR_SYSTEM with errno. `fanout` is zeroed memory. */
int cast_fanout_open(struct cast_fanout *fanout, struct cast_air *air, const struct cast_fanout_calls *calls,
                     void *context);

/* Ends all listeners as CAST_END_STOPPED, and the fan-out. */
void cast_fanout_close(struct cast_fanout *fanout);

/* What a new listener is. Texts may be NULL. */
struct cast_arrival {
    int socket; /* taken over, also on failure */
    struct neap_os_address address;
    bool wants_titles;
    unsigned minor;
    uint32_t limit_s; /* 0: none */
    uint64_t burst_bytes;
    bool counted; /* in air->addresses; the fan-out takes it out again */
    const char *agent, *referrer, *user;
    const char *home; /* the mount that was asked for, if `mount` is its fallback */
};

/* Adds a listener of a mount. The head of the answer has been sent before. He is sent the burst at once.
 * Returns 0, or NEAP_ERROR_MEMORY or NEAP_ERROR_SYSTEM, with the socket closed. */
int cast_fanout_add(struct cast_fanout *fanout, struct cast_mount *mount, const struct cast_arrival *arrival);

/* Serves a share of the listeners. `now_s` rises; it counts from any start over 0. */
void cast_fanout_tick(struct cast_fanout *fanout, uint32_t now_s);

/* Serves listeners whose sockets take bytes again, and removes those whose connections ended. */
void cast_fanout_take_events(struct cast_fanout *fanout);

/* Calls `each` for all listeners of a mount, or of all if `mount` is NULL. It must not change the fan-out. */
void cast_fanout_each(struct cast_fanout *fanout, const struct cast_mount *mount,
                      void (*each)(void *context, const struct cast_listener *listener,
                                   const struct cast_mount *mount),
                      void *context);

/* Ends the listener with that id. False if this loop has none. */
bool cast_fanout_kill(struct cast_fanout *fanout, uint32_t id);

/* Moves all listeners of one mount to another, which they hear from then on. Returns how many. */
size_t cast_fanout_move(struct cast_fanout *fanout, const struct cast_mount *from, struct cast_mount *to);

/* Verifies every invariant. Returns false, with a static text in *why, at the first that does not hold. */
bool cast_fanout_check(const struct cast_fanout *fanout, const char **why);

/* --- between fanout.c and fanout_send.c ---------------------------------------------- */

/* Sends a listener what there is. Returns false, with *why, if he has to end. */
bool cast__fanout_serve(struct cast_fanout *fanout, struct cast_listener *listener, enum cast_end *why);

#endif
