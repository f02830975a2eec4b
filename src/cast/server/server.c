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

enum { EXIT_DONE = 0, EXIT_FAILED = 1, DESCRIPTORS_RESERVED = 64, FILE_BYTES_MOST = 1 << 20 };

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
    struct cast_station_held *made = calloc(1, sizeof(*made));
    if (!made)
        return NEAP_ERROR_MEMORY;
    atomic_init(&made->holders, 1);
    made->station = station;
    for (size_t i = 0; i < station->trusted_proxies.count && made->proxy_count < 32; i++)
        if (neap_os_address_read(station->trusted_proxies.items[i], &made->proxies[made->proxy_count]))
            made->proxy_count++;
    neap_os_lock(&server->lock);
    struct cast_station_held *old = server->held;
    server->held = made;
    neap_os_unlock(&server->lock);
    cast_station_held_drop(old);
    return NEAP_OK;
}

static int settings_fail(const struct cast_server *server, const struct cast_station_error *error) {
    char where[64] = "";
    if (error->line > 0)
        snprintf(where, sizeof(where), ":%u", error->line);
    fprintf(stderr, "neap-cast: %s%s: %s\n", error->line > 0 && server->file ? server->file : "settings",
            where, error->text);
    return NEAP_ERROR_FORMAT;
}

static int file_fail(const char *file, const char *why) {
    fprintf(stderr, "neap-cast: %s cannot be read: %s\n", file, why);
    return NEAP_ERROR_FORMAT;
}

/* The first line of a file with a password. Returns a copy. */
static char *password_read(const char *file) {
    FILE *in = fopen(file, "re");
    char line[CAST_CREDENTIAL_BYTES_MOST + 2];
    char *password = NULL;
    if (in && fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\r\n")] = '\0';
        password = *line && strlen(line) < CAST_CREDENTIAL_BYTES_MOST ? strdup(line) : NULL;
    }
    if (in)
        fclose(in);
    memset(line, 0, sizeof(line));
    return password;
}

static int passwords_read(struct cast_station *station) {
    const struct {
        const char *file, *key;
    } wanted[] = {{station->source_password_file, "source-password"},
                  {station->admin_password_file, "admin-password"}};
    struct cast_station_error error;
    for (size_t i = 0; i < 2; i++) {
        if (!wanted[i].file)
            continue;
        char *password = password_read(wanted[i].file);
        if (!password)
            return file_fail(wanted[i].file, "it has to have the password in its first line");
        int result = cast_station_set(station, wanted[i].key, password, &error);
        free(password);
        if (result != NEAP_OK)
            return result == NEAP_ERROR_FORMAT ? file_fail(wanted[i].file, error.text) : result;
    }
    return NEAP_OK;
}

static int station_of_file(const struct cast_server *server, struct cast_station **station,
                           struct cast_station_error *error) {
    if (!server->file) {
        *station = cast_station_new();
        return *station ? NEAP_OK : NEAP_ERROR_MEMORY;
    }
    FILE *in = fopen(server->file, "re");
    char *text = in ? malloc(FILE_BYTES_MOST + 1) : NULL;
    size_t bytes = text ? fread(text, 1, FILE_BYTES_MOST + 1, in) : 0;
    int failed = !in ? errno : ferror(in) ? EIO : 0;
    if (in)
        fclose(in);
    int result = failed                    ? file_fail(server->file, strerror(failed))
                 : !text                   ? NEAP_ERROR_MEMORY
                 : bytes > FILE_BYTES_MOST ? file_fail(server->file, "it is over a megabyte")
                                           : cast_station_read(text, bytes, station, error);
    free(text);
    return result;
}

int cast_server_read(const struct cast_server *server, struct cast_station **station) {
    struct cast_station_error error = {.line = 0};
    struct cast_station *made = NULL;
    int result = station_of_file(server, &made, &error);
    if (result == NEAP_ERROR_FORMAT && *error.text)
        return settings_fail(server, &error);
    for (size_t i = 0; result == NEAP_OK && i < server->setting_count; i++) {
        char key[64];
        const char *equals = strchr(server->settings[i], '=');
        snprintf(key, sizeof(key), "%.*s", (int)(equals - server->settings[i]), server->settings[i]);
        result = cast_station_set(made, key, equals + 1, &error);
    }
    if (result == NEAP_OK)
        result = cast_station_verify(made, &error);
    if (result == NEAP_ERROR_FORMAT && *error.text)
        settings_fail(server, &error);
    if (result == NEAP_OK)
        result = passwords_read(made);
    if (result != NEAP_OK) {
        cast_station_destroy(made);
        return result;
    }
    *station = made;
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
    const char *failed;
    (void)number;
    if (cast_server_read(server, &station) != NEAP_OK) {
        cast_log_event("error", "reload-failed", "kept", "the settings as they were", NULL);
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
    cast_log_event("info", "stopping", NULL);
    uv_signal_stop(signal);
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
        if (server->listen_count == CAST_LISTENS_MOST ||
            !neap_os_address_read(station->listen.items[i], &server->listens[server->listen_count])) {
            fprintf(stderr, "neap-cast: listen: \"%s\" is no address: 127.0.0.1:8000, [::1]:8000\n",
                    station->listen.items[i]);
            return false;
        }
        server->listen_count++;
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
    if (server->file && !neap_os_path_is_readable(server->file))
        cast_log_event("warning", "reload-will-fail", "file", server->file, "reason",
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
