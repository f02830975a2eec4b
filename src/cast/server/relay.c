/* cast/server/relay.c: when to try, and what to say of it. */
#include "cast/server/relay.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "cast/server/pull.h"
#include "os/random.h"

enum {
    PAUSE_FIRST_MS = 1000,
    PAUSE_MOST_MS = 60000,
    STEADY_MS = 60000, /* on air, after which the pause is the first again */
    REPEAT_MS = 600000,
    WHY_ROOM = 256,
};

struct cast_relay {
    struct cast_relay *next; /* in the order of their mounts' names */
    struct cast_loop *loop;
    char *mount_name, *url;
    struct cast_pull *pull; /* NULL: idle */
    uint64_t due_ms;        /* idle: when it tries again */
    uint64_t pause_ms;      /* the next */
    uint64_t on_air_ms;     /* since when; 0: it is not */
    uint64_t said_ms;       /* when `said` was logged */
    uint64_t attempts;      /* since it was on air */
    char said[WHY_ROOM];    /* the last reason for a refusal in the log; "": none since it was on air */
};

/* --- trying ------------------------------------------------------------------------------- */

static void refused(struct cast_relay *relay, const char *why) {
    uint64_t now_ms = cast_loop_now_ms(relay->loop);
    bool repeats = strncmp(relay->said, why, sizeof(relay->said) - 1) == 0;
    if (repeats && now_ms - relay->said_ms < REPEAT_MS)
        return;
    snprintf(relay->said, sizeof(relay->said), "%s", why);
    relay->said_ms = now_ms;
    cast_log_event("warning", "relay-refused", "mount", relay->mount_name, "url", relay->url, "reason", why,
                   NULL);
}

static void pause_begin(struct cast_relay *relay) {
    uint64_t now_ms = cast_loop_now_ms(relay->loop);
    if (relay->on_air_ms > 0 && now_ms - relay->on_air_ms >= STEADY_MS)
        relay->pause_ms = PAUSE_FIRST_MS;
    /* So that many relays of one server do not all come back in the same moment. */
    relay->due_ms = now_ms + relay->pause_ms - neap_os_random() % (relay->pause_ms / 4);
    relay->pause_ms = relay->pause_ms < PAUSE_MOST_MS / 2 ? relay->pause_ms * 2 : PAUSE_MOST_MS;
    relay->on_air_ms = 0;
}

static void on_air(void *context, const char *address) {
    struct cast_relay *relay = context;
    char attempts[24];
    snprintf(attempts, sizeof(attempts), "%llu", (unsigned long long)relay->attempts);
    relay->on_air_ms = cast_loop_now_ms(relay->loop);
    relay->attempts = 0;
    relay->said[0] = '\0';
    cast_log_event("info", "relay-connected", "mount", relay->mount_name, "url", relay->url, "address",
                   address, "attempts", attempts, NULL);
}

static void ended(void *context, const char *why) {
    struct cast_relay *relay = context;
    if (relay->on_air_ms > 0)
        cast_log_event("warning", "relay-lost", "mount", relay->mount_name, "url", relay->url, "reason", why,
                       NULL);
    else
        refused(relay, why);
    cast_pull_end(relay->pull);
    relay->pull = NULL;
    pause_begin(relay);
}

static bool mount_has_source(const struct cast_relay *relay) {
    struct cast_mount *mount = cast_mounts_find(&relay->loop->server->air.mounts, relay->mount_name);
    bool has_source = mount && atomic_load(&mount->state) < CAST_MOUNT_WAITING;
    cast_mount_drop(mount);
    return has_source;
}

static void attempt(struct cast_relay *relay) {
    static const struct cast_pull_calls calls = {.on_air = on_air, .ended = ended};
    if (mount_has_source(relay)) {
        refused(relay, "the mount has a source");
        return;
    }
    relay->attempts++;
    relay->pull = cast_pull_new(relay->loop, relay->mount_name, relay->url, &calls, relay);
    if (relay->pull) {
        cast_pull_begin(relay->pull);
    } else {
        refused(relay, "there is no memory for it");
        pause_begin(relay);
    }
}

void cast_relays_sweep(struct cast_loop *loop) {
    uint64_t now_ms = cast_loop_now_ms(loop);
    for (struct cast_relay *relay = loop->server->relays; relay; relay = relay->next) {
        if (relay->pull)
            cast_pull_sweep(relay->pull, now_ms);
        else if (now_ms >= relay->due_ms)
            attempt(relay);
    }
}

void cast_relays_kill(struct cast_loop *loop, const struct cast_mount *mount) {
    if (loop->index != 0)
        return;
    for (struct cast_relay *relay = loop->server->relays; relay; relay = relay->next)
        if (relay->pull && cast_pull_mount(relay->pull) == mount)
            ended(relay, "the administrator ended it");
}

/* --- settings ------------------------------------------------------------------------------ */

static struct cast_relay *relay_new(struct cast_loop *loop, const char *mount_name, const char *url) {
    struct cast_relay *made = calloc(1, sizeof(*made));
    if (!made)
        return NULL;
    made->loop = loop;
    made->mount_name = strdup(mount_name);
    made->url = strdup(url);
    made->pause_ms = PAUSE_FIRST_MS;
    if (made->mount_name && made->url)
        return made;
    free(made->mount_name);
    free(made->url);
    free(made);
    return NULL;
}

/* Ends a relay, and says so if that is worth a line. */
static void relay_end(struct cast_relay *relay, bool says) {
    if (says && relay->on_air_ms > 0)
        cast_log_event("info", "relay-lost", "mount", relay->mount_name, "url", relay->url, "reason",
                       "the settings do not have it any more", NULL);
    if (relay->pull)
        cast_pull_end(relay->pull);
    free(relay->mount_name);
    free(relay->url);
    free(relay);
}

/* Takes the relay of a mount out of the list, or returns NULL. */
static struct cast_relay *take(struct cast_relay **list, const struct cast_mount_settings *mount) {
    for (; *list; list = &(*list)->next) {
        struct cast_relay *relay = *list;
        if (strcmp(relay->mount_name, mount->name) == 0 && strcmp(relay->url, mount->relay) == 0) {
            *list = relay->next;
            return relay;
        }
    }
    return NULL;
}

void cast_relays_take_settings(struct cast_loop *loop) {
    struct cast_station_held *held = cast_server_station(loop->server);
    const struct cast_station *station = held->station;
    struct cast_relay *old = loop->server->relays, **end = &loop->server->relays;
    for (size_t i = 0; i < station->mount_count; i++) {
        const struct cast_mount_settings *mount = &station->mounts[i];
        if (!mount->relay)
            continue;
        struct cast_relay *relay = take(&old, mount);
        relay = relay ? relay : relay_new(loop, mount->name, mount->relay);
        if (!relay) {
            cast_log_event("error", "relay-refused", "mount", mount->name, "url", mount->relay, "reason",
                           "there is no memory for it", NULL);
            continue;
        }
        *end = relay;
        end = &relay->next;
    }
    *end = NULL;
    while (old) {
        struct cast_relay *next = old->next;
        relay_end(old, true);
        old = next;
    }
    cast_station_held_drop(held);
    cast_relays_sweep(loop);
}

void cast_relays_stop(struct cast_loop *loop) {
    while (loop->server->relays) {
        struct cast_relay *relay = loop->server->relays;
        loop->server->relays = relay->next;
        relay_end(relay, false);
    }
}
