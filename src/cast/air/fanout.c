/* cast/air/fanout.c: seats, arrivals and departures, ticks. */
#include "cast/air/fanout.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "os/descriptor.h"
#include "os/poll_set.h"

enum {
    EVENTS_AT_ONCE = 256,
    MOVED_BLOCKS = 4,   /* of the ring, that whoever is moved to another mount gets at once: he still has the
                           first burst */
    TEXT_ROOM = 256,    /* of the name of a mount; a type that is longer is compared so far */
    FALLBACKS_MOST = 8, /* that are tried, one behind the other */
};

int cast_fanout_open(struct cast_fanout *fanout, struct cast_air *air, const struct cast_fanout_calls *calls,
                     void *context) {
    fanout->air = air;
    fanout->calls = calls;
    fanout->context = context;
    return neap_os_poll_set_open(&fanout->poll_set);
}

/* --- seats ------------------------------------------------------------------------- */

/* Looks at a mount again. Its state comes first: whatever its source sent before it ended is in the ring
 * then. */
static void seat_look(struct cast_seat *seat) {
    struct cast_mount *mount = seat->mount;
    struct cast_blob *old = NULL;
    seat->ended = atomic_load(&mount->state) == CAST_MOUNT_ENDED;
    neap_os_lock(&mount->lock);
    if (seat->title_version != mount->title_version) {
        old = seat->title_block;
        seat->title_block = cast_blob_hold(mount->title_block);
        seat->title_version = mount->title_version;
    }
    neap_os_unlock(&mount->lock);
    cast_blob_drop(old);
}

/* The seat of a mount; a new one if there is none yet. CAST_SEATS_MOST if there is no place. */
static size_t seat_take(struct cast_fanout *fanout, struct cast_mount *mount) {
    size_t free_at = CAST_SEATS_MOST;
    for (size_t i = 0; i < fanout->seat_end; i++) {
        if (fanout->seats[i].mount == mount)
            return i;
        if (!fanout->seats[i].mount && free_at == CAST_SEATS_MOST)
            free_at = i;
    }
    if (free_at == CAST_SEATS_MOST && fanout->seat_end < CAST_SEATS_MOST)
        free_at = fanout->seat_end++;
    if (free_at < CAST_SEATS_MOST)
        fanout->seats[free_at] = (struct cast_seat){.mount = cast_mount_hold(mount)};
    return free_at;
}

static void seat_free(struct cast_fanout *fanout, size_t index) {
    struct cast_seat *seat = &fanout->seats[index];
    cast_blob_drop(seat->title_block);
    cast_mount_drop(seat->mount);
    *seat = (struct cast_seat){.mount = NULL};
    while (fanout->seat_end > 0 && !fanout->seats[fanout->seat_end - 1].mount)
        fanout->seat_end--;
}

static void seat_join(struct cast_fanout *fanout, size_t index) {
    struct cast_mount *mount = fanout->seats[index].mount;
    fanout->seats[index].listeners++;
    uint64_t now = atomic_fetch_add(&mount->listeners, 1) + 1, peak = atomic_load(&mount->listeners_peak);
    while (now > peak && !atomic_compare_exchange_weak(&mount->listeners_peak, &peak, now))
        ;
}

static void seat_leave(struct cast_fanout *fanout, size_t index) {
    atomic_fetch_sub(&fanout->seats[index].mount->listeners, 1);
    if (--fanout->seats[index].listeners == 0)
        seat_free(fanout, index);
}

/* --- arriving and leaving ---------------------------------------------------------- */

static void listener_end(struct cast_fanout *fanout, uint32_t index, enum cast_end why) {
    struct cast_listener *listener = cast_listener_table_at(&fanout->table, index);
    fanout->calls->ended(fanout->context, listener, fanout->seats[listener->seat].mount, why);
    neap_os_descriptor_close(listener->socket);
    cast_blob_drop(listener->headers);
    cast_blob_drop(listener->title);
    if (listener->counted)
        cast_address_counts_remove(&fanout->air->addresses, listener->address);
    cast_words_drop(fanout->air->words, listener->agent);
    cast_words_drop(fanout->air->words, listener->referrer);
    cast_words_drop(fanout->air->words, listener->user);
    cast_words_drop(fanout->air->words, listener->home);
    seat_leave(fanout, listener->seat);
    cast_listener_table_remove(&fanout->table, index);
    atomic_fetch_sub(&fanout->air->listeners, 1);
}

/* Sends a listener what there is, and ends him if he has to end. */
static void listener_serve(struct cast_fanout *fanout, struct cast_listener *listener, uint32_t index) {
    enum cast_end why;
    if (!cast__fanout_serve(fanout, listener, &why))
        listener_end(fanout, index, why);
}

static void listener_fill(struct cast_fanout *fanout, struct cast_listener *listener, size_t seat,
                          const struct cast_arrival *arrival) {
    struct cast_words *words = fanout->air->words;
    listener->socket = arrival->socket;
    listener->seat = (uint16_t)seat;
    listener->meta_left = arrival->wants_titles ? fanout->metadata_interval : CAST_NO_TITLES;
    memcpy(listener->address, arrival->address.bytes, sizeof(listener->address));
    listener->port = arrival->address.port;
    listener->minor = (uint8_t)arrival->minor;
    listener->counted = arrival->counted;
    listener->id = atomic_fetch_add(&fanout->air->last_id, 1) + 1;
    listener->since_s = listener->progress_s = fanout->now_s;
    listener->until_s = arrival->limit_s > 0 ? fanout->now_s + arrival->limit_s : 0;
    listener->agent = cast_words_hold(words, arrival->agent);
    listener->referrer = cast_words_hold(words, arrival->referrer);
    listener->user = cast_words_hold(words, arrival->user);
    listener->home = cast_words_hold(words, arrival->home);
}

/* Puts a listener at the beginning of what he is to hear of his seat's mount. */
static void listener_tune(struct cast_fanout *fanout, struct cast_listener *listener, uint64_t burst_bytes) {
    struct cast_seat *seat = &fanout->seats[listener->seat];
    seat_look(seat);
    cast_blob_drop(listener->headers);
    uint64_t offset = cast_mount_entry(seat->mount, burst_bytes, &listener->headers);
    listener->headers_sent = 0;
    neap_stream_reader_open_at(&listener->reader, seat->mount->ring, offset);
}

int cast_fanout_add(struct cast_fanout *fanout, struct cast_mount *mount,
                    const struct cast_arrival *arrival) {
    uint32_t index;
    size_t seat = seat_take(fanout, mount);
    struct cast_listener *listener =
        seat < CAST_SEATS_MOST ? cast_listener_table_add(&fanout->table, &index) : NULL;
    if (!listener) {
        if (seat < CAST_SEATS_MOST && fanout->seats[seat].listeners == 0)
            seat_free(fanout, seat);
        neap_os_descriptor_close(arrival->socket);
        if (arrival->counted)
            cast_address_counts_remove(&fanout->air->addresses, arrival->address.bytes);
        return NEAP_ERROR_MEMORY;
    }
    listener_fill(fanout, listener, seat, arrival);
    seat_join(fanout, seat);
    atomic_fetch_add(&mount->listeners_ever, 1);
    atomic_fetch_add(&fanout->air->listeners, 1);
    listener_tune(fanout, listener, arrival->burst_bytes);
    if (neap_os_poll_set_add(fanout->poll_set, arrival->socket, (uint64_t)listener->id << 32 | index,
                             NEAP_OS_POLL_WRITABLE_AGAIN) != NEAP_OK) {
        listener_end(fanout, index, CAST_END_LEFT);
        return NEAP_ERROR_SYSTEM;
    }
    listener_serve(fanout, listener, index);
    return NEAP_OK;
}

void cast_fanout_close(struct cast_fanout *fanout) {
    for (uint32_t i = 0; i < cast_listener_table_end(&fanout->table); i++)
        if (cast_listener_table_at(&fanout->table, i))
            listener_end(fanout, i, CAST_END_STOPPED);
    neap_os_descriptor_close(fanout->poll_set);
}

/* --- moving from mount to mount ----------------------------------------------------- */

/* Copies a text of a mount, cut to fit; `text` is one of its members that the lock guards. */
static char *text_copy(struct cast_mount *mount, char *const *text, char *out, size_t room) {
    neap_os_lock(&mount->lock);
    snprintf(out, room, "%s", *text);
    neap_os_unlock(&mount->lock);
    return out;
}

static bool same_type(struct cast_mount *a, struct cast_mount *b) {
    char of_a[TEXT_ROOM], of_b[TEXT_ROOM];
    return strcmp(text_copy(a, &a->facts.content_type, of_a, sizeof(of_a)),
                  text_copy(b, &b->facts.content_type, of_b, sizeof(of_b))) == 0;
}

/* Moves one listener. `home`: a word that he holds from now on. False if there is no place. */
static bool listener_move(struct cast_fanout *fanout, struct cast_listener *listener, struct cast_mount *to,
                          uint32_t home) {
    size_t old = listener->seat, seat = seat_take(fanout, to);
    if (seat == CAST_SEATS_MOST)
        return false;
    seat_join(fanout, seat);
    listener->seat = (uint16_t)seat;
    listener->title_version = 0;
    cast_words_drop(fanout->air->words, listener->home);
    listener->home = home;
    listener_tune(fanout, listener, (uint64_t)CAST_RING_BLOCK_BYTES * MOVED_BLOCKS);
    seat_leave(fanout, old);
    return true;
}

/* The mount that listeners of an ended one move to: its fallback, or that one's, as far as one is on air.
 * Held. */
static struct cast_mount *fallback_of(struct cast_fanout *fanout, struct cast_mount *mount) {
    char name[TEXT_ROOM];
    struct cast_mount *at = cast_mount_hold(mount);
    for (unsigned i = 0; i < FALLBACKS_MOST && at; i++) {
        text_copy(at, &at->fallback, name, sizeof(name));
        cast_mount_drop(at);
        at = *name ? cast_mounts_find(&fanout->air->mounts, name) : NULL;
        if (at && at != mount)
            return at;
    }
    cast_mount_drop(at);
    return NULL;
}

/* A listener of an ended mount who has got all of it. */
static void listener_leave_ended(struct cast_fanout *fanout, struct cast_listener *listener, uint32_t index) {
    struct cast_mount *mount = fanout->seats[listener->seat].mount;
    struct cast_mount *to = fallback_of(fanout, mount);
    if (to && same_type(mount, to)) {
        char home[TEXT_ROOM];
        if (listener->home != 0)
            cast_words_copy(fanout->air->words, listener->home, home, sizeof(home));
        else
            snprintf(home, sizeof(home), "%s", mount->name);
        if (listener_move(fanout, listener, to, cast_words_hold(fanout->air->words, home))) {
            cast_mount_drop(to);
            listener_serve(fanout, listener, index);
            return;
        }
    }
    cast_mount_drop(to);
    listener_end(fanout, index, CAST_END_SOURCE);
}

/* Takes those back who hear a fallback although the mount that they asked for is on air again. */
static void homes_look(struct cast_fanout *fanout) {
    uint32_t version = atomic_load(&fanout->air->mounts.version);
    if (version == fanout->mounts_version)
        return;
    fanout->mounts_version = version;
    for (uint32_t i = 0; i < cast_listener_table_end(&fanout->table); i++) {
        struct cast_listener *listener = cast_listener_table_at(&fanout->table, i);
        char home[TEXT_ROOM];
        if (!listener || listener->home == 0)
            continue;
        cast_words_copy(fanout->air->words, listener->home, home, sizeof(home));
        struct cast_mount *to = cast_mounts_find(&fanout->air->mounts, home);
        struct cast_mount *from = fanout->seats[listener->seat].mount;
        if (to && to != from && atomic_load(&to->state) == CAST_MOUNT_ON_AIR && same_type(from, to))
            listener_move(fanout, listener, to, 0);
        else if (to && atomic_load(&to->state) == CAST_MOUNT_OPEN)
            fanout->mounts_version = version - 1; /* its first bytes are still to come: look again */
        cast_mount_drop(to);
    }
}

/* --- turns --------------------------------------------------------------------------- */

static void listener_turn(struct cast_fanout *fanout, struct cast_listener *listener, uint32_t index) {
    const struct cast_seat *seat = &fanout->seats[listener->seat];
    if (listener->until_s != 0 && fanout->now_s >= listener->until_s)
        listener_end(fanout, index, CAST_END_TIME);
    else if (listener->blocked && fanout->now_s - listener->progress_s >= fanout->listener_timeout_s)
        listener_end(fanout, index, CAST_END_SILENT);
    else if (listener->blocked)
        return;
    else if (seat->ended && !listener->headers && !listener->title &&
             neap_stream_reader_lag(&listener->reader) == 0)
        listener_leave_ended(fanout, listener, index);
    else
        listener_serve(fanout, listener, index);
}

void cast_fanout_tick(struct cast_fanout *fanout, uint32_t now_s) {
    fanout->now_s = now_s;
    for (size_t i = 0; i < fanout->seat_end; i++)
        if (fanout->seats[i].mount)
            seat_look(&fanout->seats[i]);
    homes_look(fanout);
    /* The places of this share. The next tick begins where this one ends, also when the table grows
     * meanwhile. */
    uint64_t end = cast_listener_table_end(&fanout->table);
    uint32_t from = (uint32_t)(end * fanout->share / CAST_SHARES),
             to = (uint32_t)(end * (fanout->share + 1) / CAST_SHARES);
    fanout->share = (fanout->share + 1) % CAST_SHARES;
    for (uint32_t i = from; i < to; i++) {
        struct cast_listener *listener = cast_listener_table_at(&fanout->table, i);
        if (listener)
            listener_turn(fanout, listener, i);
    }
}

void cast_fanout_take_events(struct cast_fanout *fanout) {
    struct neap_os_poll_event events[EVENTS_AT_ONCE];
    unsigned count = neap_os_poll_set_take(fanout->poll_set, events, EVENTS_AT_ONCE);
    for (unsigned i = 0; i < count; i++) {
        uint32_t index = (uint32_t)events[i].tag;
        struct cast_listener *listener = cast_listener_table_at(&fanout->table, index);
        if (!listener || listener->id != (uint32_t)(events[i].tag >> 32))
            continue; /* he ended within this round */
        if (events[i].ended)
            listener_end(fanout, index, CAST_END_LEFT);
        else if (listener->blocked)
            listener_serve(fanout, listener, index);
    }
}

/* --- administration ---------------------------------------------------------------- */

void cast_fanout_each(struct cast_fanout *fanout, const struct cast_mount *mount,
                      void (*each)(void *context, const struct cast_listener *listener,
                                   const struct cast_mount *mount),
                      void *context) {
    for (uint32_t i = 0; i < cast_listener_table_end(&fanout->table); i++) {
        const struct cast_listener *listener = cast_listener_table_at(&fanout->table, i);
        if (listener && (!mount || fanout->seats[listener->seat].mount == mount))
            each(context, listener, fanout->seats[listener->seat].mount);
    }
}

bool cast_fanout_kill(struct cast_fanout *fanout, uint32_t id) {
    for (uint32_t i = 0; i < cast_listener_table_end(&fanout->table); i++) {
        const struct cast_listener *listener = cast_listener_table_at(&fanout->table, i);
        if (listener && listener->id == id) {
            listener_end(fanout, i, CAST_END_KILLED);
            return true;
        }
    }
    return false;
}

size_t cast_fanout_move(struct cast_fanout *fanout, const struct cast_mount *from, struct cast_mount *to) {
    size_t moved = 0;
    for (uint32_t i = 0; i < cast_listener_table_end(&fanout->table) && from != to; i++) {
        struct cast_listener *listener = cast_listener_table_at(&fanout->table, i);
        if (listener && fanout->seats[listener->seat].mount == from)
            moved += listener_move(fanout, listener, to, 0);
    }
    return moved;
}

/* Whether a part of the blob is still to be sent, or there is none. */
static bool is_part(const struct cast_blob *blob, uint32_t sent) {
    return blob ? sent < blob->bytes : sent == 0;
}

bool cast_fanout_check(const struct cast_fanout *fanout, const char **why) {
    uint32_t listeners[CAST_SEATS_MOST] = {0};
    if (!cast_listener_table_check(&fanout->table, why))
        return false;
    for (uint32_t i = 0; i < cast_listener_table_end(&fanout->table); i++) {
        const struct cast_listener *listener = cast_listener_table_at(&fanout->table, i);
        if (!listener)
            continue;
        if (listener->seat >= fanout->seat_end || !fanout->seats[listener->seat].mount)
            return *why = "a listener has no seat", false;
        if (listener->reader.stream != fanout->seats[listener->seat].mount->ring)
            return *why = "a listener reads another ring than that of his mount", false;
        if (listener->meta_left != CAST_NO_TITLES && listener->meta_left > fanout->metadata_interval)
            return *why = "a title is too far away", false;
        if (!is_part(listener->headers, listener->headers_sent) ||
            !is_part(listener->title, listener->title_sent))
            return *why = "a blob that was sent is kept", false;
        listeners[listener->seat]++;
    }
    for (size_t i = 0; i < CAST_SEATS_MOST; i++)
        if (listeners[i] != fanout->seats[i].listeners || (fanout->seats[i].mount && listeners[i] == 0))
            return *why = "the count of a seat is wrong", false;
    return true;
}
