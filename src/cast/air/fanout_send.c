/* cast/air/fanout_send.c: one listener's turn.
 *
 * The parts of what he gets next are laid out, sent in one call, and then counted off in the same order.
 * Bytes of the ring are verified after they were sent, as neap/stream.h says: a listener whose bytes the
 * writer has changed meanwhile got wrong ones and is ended. That the writer comes so near is prevented first:
 * a listener who is late is moved ahead.
 */
#include <assert.h>
#include <stdatomic.h>

#include <neap/error.h>

#include "cast/air/fanout.h"
#include "os/socket.h"

enum {
    PARTS_MOST = 16,
    /* Of one call. The kernel may hold as much more than it is meant to for who takes nothing. */
    FIRST_BYTES = 64 * 1024,
    TURN_BYTES = 16 * 1024,
};

enum part_kind { PART_TITLE_REST, PART_HEADERS, PART_AUDIO, PART_TITLE };

struct part {
    enum part_kind kind;
    struct cast_blob *blob; /* of a title that is new */
};

struct turn {
    struct neap_span spans[PARTS_MOST];
    struct part parts[PARTS_MOST];
    unsigned count;
};

static const uint8_t same_title = 0;

static void turn_add(struct turn *turn, enum part_kind kind, struct cast_blob *blob, const void *data,
                     size_t bytes) {
    turn->spans[turn->count] = (struct neap_span){(void *)(uintptr_t)data, bytes};
    turn->parts[turn->count++] = (struct part){kind, blob};
}

/* --- his place in the ring ------------------------------------------------------- */

/* Moves a listener whom the writer has overtaken, or would overtake soon. */
static void place_secure(struct cast_fanout *fanout, struct cast_listener *listener) {
    const struct cast_seat *seat = &fanout->seats[listener->seat];
    neap_stream_t *ring = seat->mount->ring;
    if (!cast_mount_is_late(seat->mount, listener->reader.offset))
        return;
    uint64_t offset = cast_mount_landing(seat->mount);
    uint64_t missed = listener->reader.missed_bytes + (offset - listener->reader.offset);
    neap_stream_reader_open_at(&listener->reader, ring, offset);
    listener->reader.missed_bytes = missed;
    atomic_fetch_add_explicit(&seat->mount->moved_ahead, 1, memory_order_relaxed);
    if (!listener->told_slow)
        fanout->calls->slow(fanout->context, listener, seat->mount);
    listener->told_slow = true;
}

/* --- laying out ------------------------------------------------------------------ */

/* What is laid out, and how far the count to the next title has come with it. */
struct lay {
    struct turn *turn;
    const struct cast_seat *seat;
    uint32_t interval, meta_left;
    bool new_title; /* is due once more */
};

/* Lays bytes of the stream, with a title wherever one is due. */
static void lay_stream(struct lay *lay, enum part_kind kind, const void *data, size_t bytes) {
    const char *at = data;
    while (bytes > 0 && lay->turn->count < PARTS_MOST - 2) {
        size_t part = bytes < lay->meta_left ? bytes : lay->meta_left;
        if (part > 0)
            turn_add(lay->turn, kind, NULL, at, part);
        at += part;
        bytes -= part;
        if (lay->meta_left == CAST_NO_TITLES)
            continue;
        lay->meta_left -= (uint32_t)part;
        if (lay->meta_left > 0)
            continue;
        struct cast_blob *title = lay->new_title ? lay->seat->title_block : NULL;
        turn_add(lay->turn, PART_TITLE, title, title ? title->data : &same_title, title ? title->bytes : 1);
        lay->new_title = false;
        lay->meta_left = lay->interval;
    }
}

static void turn_lay(struct turn *turn, const struct cast_fanout *fanout, struct cast_listener *listener) {
    const struct cast_seat *seat = &fanout->seats[listener->seat];
    struct lay lay = {.turn = turn,
                      .seat = seat,
                      .interval = fanout->metadata_interval,
                      .meta_left = listener->meta_left,
                      .new_title = seat->title_block && listener->title_version != seat->title_version};
    const size_t most = listener->sent_bytes == 0 ? FIRST_BYTES : TURN_BYTES;
    struct neap_span ring[2];
    if (listener->title)
        turn_add(turn, PART_TITLE_REST, NULL, listener->title->data + listener->title_sent,
                 listener->title->bytes - listener->title_sent);
    if (listener->headers)
        lay_stream(&lay, PART_HEADERS, listener->headers->data + listener->headers_sent,
                   listener->headers->bytes - listener->headers_sent);
    unsigned count = neap_stream_reader_peek(&listener->reader, most, ring);
    for (unsigned i = 0; i < count; i++)
        lay_stream(&lay, PART_AUDIO, ring[i].data, ring[i].bytes);
}

/* --- counting off ---------------------------------------------------------------- */

/* Counts bytes of a blob, and lets it go when all of it was sent. */
static void blob_count(struct cast_blob **blob, uint32_t *sent, size_t went) {
    *sent += (uint32_t)went;
    if (*sent < (*blob)->bytes)
        return;
    cast_blob_drop(*blob);
    *blob = NULL;
    *sent = 0;
}

/* A title of which `sent` bytes went. The rest, if there is one, goes before all else the next time. */
static void title_count(const struct cast_fanout *fanout, struct cast_listener *listener,
                        struct cast_blob *blob, size_t sent) {
    listener->meta_left = fanout->metadata_interval;
    if (!blob)
        return;
    listener->title_version = fanout->seats[listener->seat].title_version;
    if (sent < blob->bytes) {
        listener->title = cast_blob_hold(blob);
        listener->title_sent = (uint32_t)sent;
    }
}

/* Counts off what went. Returns the bytes of the ring among it. */
static size_t turn_count(const struct cast_fanout *fanout, struct cast_listener *listener,
                         const struct turn *turn, size_t sent) {
    size_t audio = 0;
    for (unsigned i = 0; i < turn->count && sent > 0; i++) {
        size_t went = sent < turn->spans[i].bytes ? sent : turn->spans[i].bytes;
        enum part_kind kind = turn->parts[i].kind;
        sent -= went;
        if (kind == PART_TITLE_REST)
            blob_count(&listener->title, &listener->title_sent, went);
        else if (kind == PART_TITLE)
            title_count(fanout, listener, turn->parts[i].blob, went);
        else if (listener->meta_left != CAST_NO_TITLES)
            listener->meta_left -= (uint32_t)went;
        if (kind == PART_HEADERS)
            blob_count(&listener->headers, &listener->headers_sent, went);
        if (kind == PART_AUDIO)
            audio += went;
    }
    return audio;
}

bool cast__fanout_serve(struct cast_fanout *fanout, struct cast_listener *listener, enum cast_end *why) {
    for (;;) {
        struct turn turn = {.count = 0};
        size_t wanted = 0, sent;
        place_secure(fanout, listener);
        turn_lay(&turn, fanout, listener);
        for (unsigned i = 0; i < turn.count; i++)
            wanted += turn.spans[i].bytes;
        if (wanted == 0)
            return true;
        int error = neap_os_socket_send(listener->socket, turn.spans, turn.count, &sent);
        listener->blocked = error == NEAP_ERROR_BUSY;
        if (error != NEAP_OK)
            return *why = CAST_END_LEFT, error == NEAP_ERROR_BUSY;
        size_t audio = turn_count(fanout, listener, &turn, sent);
        listener->progress_s = fanout->now_s;
        listener->sent_bytes += sent;
        atomic_fetch_add_explicit(&fanout->seats[listener->seat].mount->sent_bytes, sent,
                                  memory_order_relaxed);
        if (audio > 0 && !neap_stream_reader_done(&listener->reader, audio))
            return *why = CAST_END_OVERRUN, false;
        if (sent < wanted) {
            listener->blocked = true;
            return true;
        }
        if (turn.count < PARTS_MOST - 2 && neap_stream_reader_lag(&listener->reader) == 0)
            return true;
    }
}
