/* A mount with a source that says what one wants, for tests of this module. */
#ifndef TEST_AIR_FIXTURE_H
#define TEST_AIR_FIXTURE_H

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

#include "cast/air/air.h"

static struct cast_facts facts_of(const char *type) {
    return (struct cast_facts){.content_type = strdup(type),
                               .stream_name = strdup("a name"),
                               .description = strdup(""),
                               .genre = strdup(""),
                               .url = strdup(""),
                               .bitrate = strdup("128"),
                               .agent = strdup("test"),
                               .audio_info = strdup("")};
}

/* The byte of a stream at an offset. */
static inline uint8_t stream_byte(uint64_t offset) {
    return (uint8_t)((offset * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
}

/* Puts `bytes` of the made stream on air, or those at `data`. */
static void put_on_air(struct cast_mount *mount, const void *data, size_t bytes) {
    while (bytes > 0) {
        struct neap_span span;
        uint64_t offset = neap_stream_written(mount->ring);
        cast_mount_claim(mount, bytes, &span);
        for (size_t i = 0; i < span.bytes; i++)
            ((uint8_t *)span.data)[i] = data ? ((const uint8_t *)data)[i] : stream_byte(offset + i);
        cast_mount_commit(mount, &span, span.bytes);
        data = data ? (const uint8_t *)data + span.bytes : NULL;
        bytes -= span.bytes;
    }
}

#endif
