/* cast/server/loop.c: libuv's handles, and what they call. */
#include "cast/server/loop.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "cast/server/connection.h"
#include "cast/server/errand.h"
#include "cast/server/log.h"
#include "cast/server/relay.h"
#include "os/clock.h"
#include "os/descriptor.h"
#include "os/poll_set.h"
#include "os/socket.h"

enum {
    ACCEPTS_AT_ONCE = 64,
    SWEEP_MS = 1000,
    WAITED_AT_ONCE = 64,
    HEADS_MOST = 4096,         /* connections of a server whose request is not there yet */
    SEND_BUFFER_BYTES = 65536, /* the kernel doubles it for its own records */
};

uint64_t cast_loop_now_ms(struct cast_loop *loop) {
    return uv_now(&loop->uv) + 1; /* over 0, for deadlines */
}

uint32_t cast_loop_now_s(struct cast_loop *loop) {
    return (uint32_t)(cast_loop_now_ms(loop) / 1000) + 1;
}

/* --- accepting ------------------------------------------------------------------------- */

/* No descriptor is left: one connection is told so, with the spare one. False if not even that worked. */
static bool accept_refused(struct cast_loop *loop, int listener) {
    static const char answer[] = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\n"
                                 "Content-Length: 0\r\n\r\n";
    struct neap_os_address peer;
    int socket;
    if (loop->spare < 0)
        return false;
    neap_os_descriptor_close(loop->spare);
    loop->spare = -1;
    bool accepted = neap_os_socket_accept(listener, &socket, &peer) == NEAP_OK;
    if (accepted) {
        struct neap_span span = {(void *)(uintptr_t)answer, sizeof(answer) - 1};
        size_t sent;
        neap_os_socket_send(socket, &span, 1, &sent);
        neap_os_descriptor_close(socket);
        atomic_fetch_add(&loop->server->refused, 1);
    }
    if (neap_os_poll_set_open(&loop->spare) != NEAP_OK)
        loop->spare = -1;
    return accepted;
}

static void on_arrival(uv_poll_t *poll, int status, int events);

/* Looks for arrivals, or for none until the next sweep. */
static void arrivals_watch(struct cast_loop *loop, bool watch) {
    for (size_t i = 0; i < loop->listening_count; i++) {
        if (watch)
            uv_poll_start(&loop->listening[i].poll, UV_READABLE, on_arrival);
        else
            uv_poll_stop(&loop->listening[i].poll);
    }
    loop->arrivals_wait = !watch;
}

static void on_arrival(uv_poll_t *poll, int status, int events) {
    struct cast_listening *listening = poll->data;
    struct cast_loop *loop = listening->loop;
    (void)events;
    for (unsigned i = 0; status == 0 && i < ACCEPTS_AT_ONCE; i++) {
        struct neap_os_address peer;
        int socket;
        int error = neap_os_socket_accept(listening->socket, &socket, &peer);
        if (error == NEAP_ERROR_MEMORY && accept_refused(loop, listening->socket))
            continue;
        if (error == NEAP_ERROR_MEMORY) /* else the kernel would tell of the same arrival again and again */
            arrivals_watch(loop, false);
        if (error != NEAP_OK)
            return;
        if (atomic_load(&loop->server->heads) >= HEADS_MOST)
            cast_connection_drop_oldest_head(loop);
        cast_connection_new(loop, socket, &peer);
    }
}

/* --- timers ---------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *timer) {
    struct cast_loop *loop = timer->data;
    cast_fanout_tick(&loop->fanout, cast_loop_now_s(loop));
    if (loop->fanout.table.count == 0) {
        uv_timer_stop(timer);
        loop->ticking = false;
    }
}

void cast_loop_start_ticking(struct cast_loop *loop) {
    if (loop->ticking)
        return;
    struct cast_station_held *held = cast_server_station(loop->server);
    uint64_t ms = held->station->batch_ms / CAST_SHARES;
    cast_station_held_drop(held);
    loop->ticking = true;
    uv_timer_start(&loop->tick, on_tick, ms > 0 ? ms : 1, ms > 0 ? ms : 1);
}

void cast_loop_take_settings(struct cast_loop *loop) {
    struct cast_station_held *held = cast_server_station(loop->server);
    loop->fanout.metadata_interval = (uint32_t)held->station->metadata_interval;
    loop->fanout.listener_timeout_s = (uint32_t)(held->station->listener_timeout_ms / 1000);
    cast_station_held_drop(held);
    if (loop->ticking) {
        uv_timer_stop(&loop->tick);
        loop->ticking = false;
        cast_loop_start_ticking(loop);
    }
}

/* The mounts that have waited long enough for their sources. */
struct waited {
    const struct cast_station *station;
    struct cast_mount *mounts[WAITED_AT_ONCE];
    size_t count;
};

static void mount_waited(void *context, struct cast_mount *mount) {
    struct waited *waited = context;
    uint64_t now_ms = neap_os_now_ns() / 1000000;
    uint64_t timeout_ms = cast_station_mount(waited->station, mount->name)->source_timeout_ms;
    bool waits = atomic_load(&mount->state) == CAST_MOUNT_WAITING;
    if (waits && now_ms - atomic_load(&mount->lost_ms) >= timeout_ms && waited->count < WAITED_AT_ONCE)
        waited->mounts[waited->count++] = cast_mount_hold(mount);
}

static void mounts_sweep(struct cast_server *server) {
    struct cast_station_held *held = cast_server_station(server);
    struct waited waited = {.station = held->station};
    cast_mounts_each(&server->air.mounts, mount_waited, &waited);
    for (size_t i = 0; i < waited.count; i++) {
        cast_log_event("info", "mount-ended", "mount", waited.mounts[i]->name, NULL);
        cast_mounts_end(&server->air.mounts, waited.mounts[i]);
        cast_mount_drop(waited.mounts[i]);
    }
    cast_station_held_drop(held);
}

static void on_sweep(uv_timer_t *timer) {
    struct cast_loop *loop = timer->data;
    cast_connection_sweep(loop);
    if (loop->spare < 0 && neap_os_poll_set_open(&loop->spare) != NEAP_OK)
        loop->spare = -1;
    if (loop->arrivals_wait)
        arrivals_watch(loop, true);
    if (loop->index != 0)
        return;
    cast_relays_sweep(loop); /* before mounts that it may be in time for end */
    mounts_sweep(loop->server);
}

/* --- the fan-out ------------------------------------------------------------------------ */

static void on_fanout(uv_poll_t *poll, int status, int events) {
    struct cast_loop *loop = poll->data;
    (void)status, (void)events;
    cast_fanout_take_events(&loop->fanout);
}

static void on_connection(uv_poll_t *poll, int status, int events) {
    struct cast_loop *loop = poll->data;
    (void)status, (void)events;
    cast_connection_take_events(loop);
}

static void on_listener_ended(void *context, const struct cast_listener *listener,
                              const struct cast_mount *mount, enum cast_end why) {
    struct cast_loop *loop = context;
    struct cast_words *words = loop->server->air.words;
    char user[256], referrer[256], agent[256], home[256];
    struct neap_os_address address = {.port = listener->port};
    memcpy(address.bytes, listener->address, sizeof(address.bytes));
    cast_words_copy(words, listener->home, home, sizeof(home));
    struct cast_access access = {.address = &address,
                                 .user = cast_words_copy(words, listener->user, user, sizeof(user)),
                                 .method = "GET",
                                 .path = *home ? home : mount->name,
                                 .referrer =
                                     cast_words_copy(words, listener->referrer, referrer, sizeof(referrer)),
                                 .agent = cast_words_copy(words, listener->agent, agent, sizeof(agent)),
                                 .minor = listener->minor,
                                 .status = 200,
                                 .bytes = listener->sent_bytes,
                                 .seconds = cast_loop_now_s(loop) - listener->since_s};
    cast_log_access(&access);
    if (why == CAST_END_SILENT || why == CAST_END_OVERRUN)
        cast_log_event("info", why == CAST_END_SILENT ? "listener-silent" : "listener-overrun", "mount",
                       mount->name, "agent", agent, NULL);
}

static void on_listener_slow(void *context, const struct cast_listener *listener,
                             const struct cast_mount *mount) {
    char id[16], address[NEAP_OS_ADDRESS_ROOM], missed[24];
    struct neap_os_address from = {.port = listener->port};
    (void)context;
    memcpy(from.bytes, listener->address, sizeof(from.bytes));
    snprintf(id, sizeof(id), "%u", listener->id);
    snprintf(missed, sizeof(missed), "%llu", (unsigned long long)listener->reader.missed_bytes);
    cast_log_event("info", "listener-slow", "mount", mount->name, "id", id, "address",
                   neap_os_address_write_port(&from, address), "moved-ahead-bytes", missed, NULL);
}

static const struct cast_fanout_calls fanout_calls = {.ended = on_listener_ended, .slow = on_listener_slow};

/* --- life ------------------------------------------------------------------------------- */

static void on_wake(uv_async_t *wake) {
    cast_errand_take(wake->data);
}

static bool listen_at(struct cast_loop *loop, struct neap_os_address *address) {
    struct cast_listening *listening = &loop->listening[loop->listening_count];
    char text[NEAP_OS_ADDRESS_ROOM];
    bool taken = loop->index == 0 && neap_os_socket_address_is_taken(address);
    int error =
        taken ? NEAP_ERROR_BUSY : neap_os_socket_listen(address, SEND_BUFFER_BYTES, &listening->socket);
    if (error != NEAP_OK) {
        fprintf(stderr,
                "neap-cast: cannot listen at %s: %s: stop the other program or choose another address with "
                "--listen\n",
                neap_os_address_write_port(address, text),
                error == NEAP_ERROR_SYSTEM ? strerror(errno) : neap_error_text(error));
        return false;
    }
    neap_os_socket_own_address(listening->socket, address);
    listening->loop = loop;
    listening->poll.data = listening;
    uv_poll_init(&loop->uv, &listening->poll, listening->socket);
    loop->listening_count++;
    return true;
}

static bool loop_open(struct cast_loop *loop) {
    struct cast_server *server = loop->server;
    if (cast_fanout_open(&loop->fanout, &server->air, &fanout_calls, loop) != NEAP_OK ||
        neap_os_poll_set_open(&loop->connection_set) != NEAP_OK ||
        neap_os_poll_set_open(&loop->spare) != NEAP_OK) {
        fprintf(stderr, "neap-cast: no descriptor is left: raise the limit with ulimit -n\n");
        return false;
    }
    uv_poll_init(&loop->uv, &loop->fanout_poll, loop->fanout.poll_set);
    uv_poll_init(&loop->uv, &loop->connection_poll, loop->connection_set);
    loop->fanout_poll.data = loop->tick.data = loop->sweep.data = loop->wake.data = loop;
    loop->connection_poll.data = loop;
    uv_poll_start(&loop->fanout_poll, UV_READABLE, on_fanout);
    uv_poll_start(&loop->connection_poll, UV_READABLE, on_connection);
    uv_timer_init(&loop->uv, &loop->tick);
    uv_timer_init(&loop->uv, &loop->sweep);
    uv_timer_start(&loop->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
    uv_async_init(&loop->uv, &loop->wake, on_wake);
    for (size_t i = 0; i < server->listen_count; i++)
        if (!listen_at(loop, &server->listens[i]))
            return false;
    arrivals_watch(loop, true);
    cast_loop_take_settings(loop);
    return true;
}

struct cast_loop *cast_loop_new(struct cast_server *server, unsigned index) {
    struct cast_loop *loop = calloc(1, sizeof(*loop));
    if (!loop || uv_loop_init(&loop->uv) != 0) {
        fprintf(stderr, "neap-cast: no memory for an event loop\n");
        free(loop);
        return NULL;
    }
    loop->server = server;
    loop->index = index;
    loop->spare = -1;
    loop->errands_end = &loop->errands;
    if (loop_open(loop))
        return loop;
    return NULL; /* the program ends */
}

void cast_loop_run(struct cast_loop *loop) {
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void handle_close(uv_handle_t *handle, void *context) {
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void cast_loop_stop(struct cast_loop *loop) {
    if (loop->stopping)
        return;
    loop->stopping = true;
    while (loop->connections)
        cast_connection_close(loop->connections);
    if (loop->index == 0)
        cast_relays_stop(loop);
    uv_walk(&loop->uv, handle_close, NULL);
    for (size_t i = 0; i < loop->listening_count; i++)
        neap_os_descriptor_close(loop->listening[i].socket);
    cast_fanout_close(&loop->fanout);
    neap_os_descriptor_close(loop->connection_set);
    neap_os_descriptor_close(loop->spare);
}

void cast_loop_destroy(struct cast_loop *loop) {
    cast_connection_free_closed(loop);
    uv_loop_close(&loop->uv);
    free(loop);
}
