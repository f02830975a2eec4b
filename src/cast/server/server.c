/* cast/server/server.c: settings, start, signals and end. */
#include "cast/server/server.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <neap/error.h>

#include "cast/server/errand.h"
#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "cast/server/relay.h"
#include "os/limits.h"
#include "os/path.h"
#include "os/privilege.h"
#include "os/random.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, DESCRIPTORS_RESERVED = 64 };

/* --- settings -------------------------------------------------------------------------- */

struct cast_station_held *cast_server_station(struct cast_server *server) {
    neap_os_lock(&server->lock);
    struct cast_station_held *held = server->held;
    atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
    neap_os_unlock(&server->lock);
    return held;
}

void cast_station_held_drop(struct cast_station_held *held) {
    if (held && atomic_fetch_sub_explicit(&held->holders, 1, memory_order_acq_rel) == 1) {
        cast_station_destroy(held->station);
        free(held);
    }
}

int cast_server_set_station(struct cast_server *server, struct cast_station *station) {
    const struct cast_list *proxies = &station->trusted_proxies;
    struct cast_station_held *made = calloc(1, sizeof(*made) + proxies->count * sizeof(made->proxies[0]));
    if (!made)
        return NEAP_ERROR_MEMORY;
    atomic_init(&made->holders, 1);
    made->station = station;
    for (size_t i = 0; i < proxies->count; i++)
        made->proxy_count += neap_os_address_read(proxies->items[i], &made->proxies[made->proxy_count]);
    neap_os_lock(&server->lock);
    struct cast_station_held *old = server->held;
    server->held = made;
    neap_os_unlock(&server->lock);
    cast_station_held_drop(old);
    return NEAP_OK;
}

uint64_t cast_server_listener_room(const struct cast_server *server, const struct cast_station *station) {
    uint64_t room = server->descriptors > 2ul * DESCRIPTORS_RESERVED
                        ? server->descriptors - DESCRIPTORS_RESERVED
                        : server->descriptors / 2;
    return room < station->max_listeners ? room : station->max_listeners;
}

/* --- signals --------------------------------------------------------------------------- */

static void visit_settings(struct cast_loop *loop, void *context) {
    (void)context;
    cast_loop_take_settings(loop);
}

static void on_hangup(uv_signal_t *signal, int number) {
    struct cast_loop *loop = signal->data;
    struct cast_server *server = loop->server;
    struct cast_station *station;
    char problem[CAST_PROBLEM_ROOM];
    const char *failed;
    (void)number;
    if (server->stopping)
        return;
    if (cast_station_load(&server->origin, &station, problem) != NEAP_OK) {
        cast_log_event("error", "reload-failed", "reason", problem, "kept", "the settings as they were",
                       NULL);
        return;
    }
    if (cast_log_open(station->access_log, station->error_log, &failed) != NEAP_OK)
        cast_log_event("error", "log-not-opened", "file", failed, "error", strerror(errno), NULL);
    if (cast_server_set_station(server, station) != NEAP_OK) {
        cast_station_destroy(station);
        return;
    }
    struct cast_errand errand = {.visit = visit_settings};
    cast_errand_send(loop, &errand);
    cast_relays_take_settings(loop);
    cast_log_event("info", "reloaded", NULL);
}

static void visit_stop(struct cast_loop *loop, void *context) {
    (void)context;
    if (loop->index != 0)
        cast_loop_stop(loop);
}

static void stop_done(struct cast_loop *home, void *context) {
    (void)context;
    cast_loop_stop(home);
}

static void on_terminate(uv_signal_t *signal, int number) {
    struct cast_loop *loop = signal->data;
    struct cast_errand errand = {.visit = visit_stop, .done = stop_done};
    (void)number;
    if (loop->server->stopping)
        return; /* the errand is on its way, and loops that it has been to take no other */
    loop->server->stopping = true;
    cast_log_event("info", "stopping", NULL);
    cast_errand_send(loop, &errand);
}

/* --- start and end ---------------------------------------------------------------------- */

/* Whoever starts it as root gets another user's process: it speaks with anybody. */
static bool root_give_up(const struct cast_station *station) {
    const char *name = station->run_as ? station->run_as : "neap-cast";
    unsigned user = 0, group = 0;
    if (!neap_os_privilege_is_root())
        return true;
    bool found = neap_os_user_find(name, &user, &group);
    if (!found && !station->run_as)
        found = neap_os_user_find(name = "nobody", &user, &group);
    if (!found || user == 0) {
        fprintf(stderr, "neap-cast: %s %s: name another user with run-as\n", name,
                found ? "is root" : "is not in /etc/passwd");
        return false;
    }
    cast_log_give(user, group);
    if (neap_os_privilege_become(user, group) != NEAP_OK) {
        fprintf(stderr, "neap-cast: cannot become %s: %s\n", name, strerror(errno));
        return false;
    }
    return true;
}

static bool addresses_take(struct cast_server *server, const struct cast_station *station) {
    for (size_t i = 0; i < station->listen.count; i++) {
        if (server->listen_count == CAST_LISTENS_MOST) {
            fprintf(stderr, "neap-cast: listen: there are over %d addresses: 0.0.0.0 and [::] are all\n",
                    CAST_LISTENS_MOST);
            return false;
        }
        server->listen_count +=
            neap_os_address_read(station->listen.items[i], &server->listens[server->listen_count]);
    }
    return true;
}

static bool loops_open(struct cast_server *server, const struct cast_station *station) {
    uint64_t wanted = station->loops > 0 ? station->loops : uv_available_parallelism();
    unsigned count = wanted < CAST_LOOPS_MOST ? (unsigned)wanted : CAST_LOOPS_MOST;
    for (unsigned i = 0; i < count; i++) {
        server->loops[i] = cast_loop_new(server, i);
        if (!server->loops[i])
            return false;
    }
    server->loop_count = count;
    return true;
}

static void thread_run(void *loop) {
    cast_loop_run(loop);
}

static void say_where(const struct cast_server *server) {
    char address[NEAP_OS_ADDRESS_ROOM];
    for (size_t i = 0; i < server->listen_count; i++)
        cast_log_event("info", "listening", "url", neap_os_address_write_port(&server->listens[i], address),
                       NULL);
}

static int loops_run(struct cast_server *server) {
    struct cast_loop *first = server->loops[0];
    uv_signal_t signals[3];
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < 3; i++) {
        uv_signal_init(&first->uv, &signals[i]);
        signals[i].data = first;
        uv_signal_start(&signals[i], numbers[i] == SIGHUP ? on_hangup : on_terminate, numbers[i]);
    }
    for (unsigned i = 1; i < server->loop_count; i++) {
        if (uv_thread_create(&server->loops[i]->thread, thread_run, server->loops[i]) != 0) {
            fprintf(stderr, "neap-cast: cannot start a thread: %s\n", strerror(errno));
            return EXIT_FAILED;
        }
    }
    say_where(server);
    if (server->origin.file && !neap_os_path_is_readable(server->origin.file))
        cast_log_event("warning", "reload-will-fail", "file", server->origin.file, "reason",
                       "the user that the server has become cannot read it", NULL);
    cast_relays_take_settings(first);
    cast_loop_run(first);
    for (unsigned i = 1; i < server->loop_count; i++)
        uv_thread_join(&server->loops[i]->thread);
    for (unsigned i = 0; i < server->loop_count; i++)
        cast_loop_destroy(server->loops[i]);
    return EXIT_DONE;
}

int cast_server_run(struct cast_server *server) {
    struct cast_station_held *held = cast_server_station(server);
    const struct cast_station *station = held->station;
    const char *failed;
    signal(SIGPIPE, SIG_IGN);
    server->started_s = (uint64_t)time(NULL);
    server->relay_secret = neap_os_random();
    server->descriptors = neap_os_descriptors_raise();
    if (cast_air_open(&server->air) != NEAP_OK)
        return EXIT_FAILED;
    if (cast_log_open(station->access_log, station->error_log, &failed) != NEAP_OK) {
        fprintf(stderr, "neap-cast: %s cannot be written: %s\n", failed, strerror(errno));
        return EXIT_FAILED;
    }
    bool ready = addresses_take(server, station) && loops_open(server, station) && root_give_up(station);
    cast_station_held_drop(held);
    int code = ready ? loops_run(server) : EXIT_FAILED;
    cast_station_held_drop(server->held);
    if (ready)
        cast_air_close(&server->air);
    return code;
}
