/* cast/server/source.c: from the socket into the ring. */
#include "cast/server/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <neap/error.h>

#include "cast/format/icy_metadata.h"
#include "cast/server/log.h"
#include "cast/server/loop.h"
#include "os/clock.h"
#include "os/socket.h"

enum {
    READ_BYTES = 16384, /* at once */
    READS_MOST = 8,     /* before others have their turn */
    FACT_BYTES_MOST = 512,
};

struct cast_source {
    struct cast_loop *loop;
    bool is_relay;
    struct cast_mount *mount;
    struct cast_body body;
    struct cast_icy_reader *icy; /* NULL: the body has no titles in it */
    uint64_t heard_ms;           /* when the last byte came */
    uint64_t timeout_ms;
    struct neap_os_address peer;
};

/* --- what a source says of itself ---------------------------------------------------------- */

/* A copy of the first of these headers that is there; `instead`, if the settings say it, wins. NULL: no
 * memory. */
static char *fact(const struct cast_head *head, const char *instead, const char *const *names) {
    const char *value = instead;
    for (; !value && *names; names++)
        value = cast_head_find(head, *names);
    char text[FACT_BYTES_MOST + 1];
    cast_title_to_utf8(value ? value : "", NULL, text, sizeof(text));
    return strdup(text);
}

static bool is_public(const struct cast_head *head) {
    const char *said = cast_head_find(head, "ice-public");
    said = said ? said : cast_head_find(head, "icy-pub");
    return said && strcmp(said, "1") == 0;
}

static bool facts_read(const struct cast_source_offer *offer, const struct cast_mount_settings *settings,
                       struct cast_facts *facts) {
    static const char *const names[] = {"ice-name", "icy-name", "x-audiocast-name", NULL};
    static const char *const descriptions[] = {"ice-description", "icy-description",
                                               "x-audiocast-description", NULL};
    static const char *const genres[] = {"ice-genre", "icy-genre", "x-audiocast-genre", NULL};
    static const char *const urls[] = {"ice-url", "icy-url", "x-audiocast-url", NULL};
    static const char *const rates[] = {"ice-bitrate", "icy-br", "x-audiocast-bitrate", NULL};
    static const char *const infos[] = {"ice-audio-info", "icy-audio-info", NULL};
    static const char *const agents[] = {"user-agent", NULL}, *const servers[] = {"server", NULL};
    static const char *const types[] = {"content-type", NULL};
    const struct cast_head *head = offer->head;
    const char *type = cast_head_find(head, "content-type");
    *facts = (struct cast_facts){
        /* Older clients of the method SOURCE send MP3 and say nothing. */
        .content_type = fact(head, type ? NULL : "audio/mpeg", types),
        .stream_name = fact(head, settings->stream_name, names),
        .description = fact(head, settings->description, descriptions),
        .genre = fact(head, settings->genre, genres),
        .url = fact(head, settings->url, urls),
        .bitrate = fact(head, NULL, rates),
        .agent = fact(head, NULL, offer->is_relay ? servers : agents),
        .audio_info = fact(head, NULL, infos),
        .relay_path = strdup(offer->relay_path ? offer->relay_path : ""),
        .is_public = is_public(head),
        .since_s = (uint64_t)time(NULL),
    };
    return facts->content_type && facts->stream_name && facts->description && facts->genre && facts->url &&
           facts->bitrate && facts->agent && facts->audio_info && facts->relay_path;
}

/* --- life -------------------------------------------------------------------------------- */

static int source_open(struct cast_source *source, const struct cast_source_offer *offer,
                       const struct cast_station *station) {
    const struct cast_mount_settings *settings = cast_station_mount(station, offer->mount_name);
    const char *interval = cast_head_find(offer->head, "icy-metaint");
    unsigned long every = interval ? strtoul(interval, NULL, 10) : 0;
    struct cast_facts facts;
    if (every > 0 && every <= INT32_MAX && !(source->icy = malloc(sizeof(*source->icy))))
        return NEAP_ERROR_MEMORY;
    if (source->icy)
        cast_icy_reader_open(source->icy, (uint32_t)every);
    if (!facts_read(offer, settings, &facts)) {
        cast_facts_clear(&facts);
        return NEAP_ERROR_MEMORY;
    }
    int error = cast_mounts_take(&source->loop->server->air.mounts, offer->mount_name, settings->queue_bytes,
                                 (size_t)station->max_sources, &facts, &source->mount);
    if (error != NEAP_OK)
        return error;
    char *fallback = strdup(settings->fallback ? settings->fallback : "");
    neap_os_lock(&source->mount->lock);
    source->mount->hidden = settings->hidden;
    if (fallback) {
        free(source->mount->fallback);
        source->mount->fallback = fallback;
    }
    neap_os_unlock(&source->mount->lock);
    source->timeout_ms = settings->source_timeout_ms;
    return NEAP_OK;
}

static void log_client(const struct cast_source *source, const char *event, const char *type) {
    char address[NEAP_OS_ADDRESS_ROOM];
    if (!source->is_relay)
        cast_log_event("info", event, "mount", source->mount->name, "address",
                       neap_os_address_write_port(&source->peer, address), type ? "type" : NULL, type, NULL);
}

int cast_source_new(struct cast_loop *loop, const struct cast_source_offer *offer,
                    struct cast_source **source) {
    struct cast_source *made = calloc(1, sizeof(*made));
    if (!made)
        return NEAP_ERROR_MEMORY;
    made->loop = loop;
    made->is_relay = offer->is_relay;
    made->peer = *offer->peer;
    made->heard_ms = cast_loop_now_ms(loop);
    made->body = offer->body;
    struct cast_station_held *held = cast_server_station(loop->server);
    int error = source_open(made, offer, held->station);
    cast_station_held_drop(held);
    if (error != NEAP_OK) {
        free(made->icy);
        free(made);
        return error;
    }
    log_client(made, "source-connected", made->mount->facts.content_type);
    *source = made;
    return NEAP_OK;
}

struct cast_mount *cast_source_mount(const struct cast_source *source) {
    return source->mount;
}

void cast_source_end(struct cast_source *source) {
    log_client(source, "source-ended", NULL);
    cast_mount_lose(source->mount, neap_os_now_ns() / 1000000);
    cast_mount_drop(source->mount);
    free(source->icy);
    free(source);
}

bool cast_source_is_silent(const struct cast_source *source, uint64_t now_ms) {
    return now_ms - source->heard_ms > source->timeout_ms;
}

/* --- bytes ------------------------------------------------------------------------------- */

static void title_take(struct cast_source *source) {
    char title[CAST_ICY_TITLE_BYTES_MOST];
    struct cast_station_held *held = cast_server_station(source->loop->server);
    const char *charset = cast_station_mount(held->station, source->mount->name)->charset;
    cast_title_to_utf8(source->icy->title, charset, title, sizeof(title));
    cast_station_held_drop(held);
    source->icy->fresh = false;
    cast_mount_set_title(source->mount, title, "");
}

/* Decodes `count` bytes that lie at the front of the claim, and puts them on air. */
static enum cast_source_outcome claim_take(struct cast_source *source, const struct neap_span *span,
                                           size_t count) {
    long bytes = cast_body_decode(&source->body, span->data, count);
    if (bytes < 0)
        return CAST_SOURCE_MALFORMED;
    size_t audio = (size_t)bytes;
    if (source->icy)
        audio = cast_icy_reader_feed(source->icy, span->data, audio);
    if (source->icy && source->icy->fresh)
        title_take(source);
    cast_mount_commit(source->mount, span, audio);
    return source->body.ended ? CAST_SOURCE_ENDED : CAST_SOURCE_GOES_ON;
}

enum cast_source_outcome cast_source_feed(struct cast_source *source, const char *bytes, size_t count) {
    enum cast_source_outcome outcome = source->body.ended ? CAST_SOURCE_ENDED : CAST_SOURCE_GOES_ON;
    while (count > 0 && outcome == CAST_SOURCE_GOES_ON) {
        struct neap_span span;
        cast_mount_claim(source->mount, count < READ_BYTES ? count : READ_BYTES, &span);
        size_t part = count < span.bytes ? count : span.bytes;
        memcpy(span.data, bytes, part);
        outcome = claim_take(source, &span, part);
        bytes += part;
        count -= part;
    }
    return outcome;
}

enum cast_source_outcome cast_source_read(struct cast_source *source, int socket) {
    enum cast_source_outcome outcome = CAST_SOURCE_GOES_ON;
    for (unsigned i = 0; i < READS_MOST && outcome == CAST_SOURCE_GOES_ON; i++) {
        struct neap_span span;
        size_t got;
        cast_mount_claim(source->mount, READ_BYTES, &span);
        int error = neap_os_socket_receive(socket, span.data, span.bytes, &got);
        if (error == NEAP_ERROR_BUSY)
            break;
        if (error != NEAP_OK || got == 0)
            return error == NEAP_OK && source->body.kind == CAST_BODY_ENDLESS ? CAST_SOURCE_ENDED
                                                                              : CAST_SOURCE_BROKEN;
        source->heard_ms = cast_loop_now_ms(source->loop);
        outcome = claim_take(source, &span, got);
        if (got < span.bytes)
            break;
    }
    return outcome;
}
