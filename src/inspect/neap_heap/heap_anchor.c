/* inspect/neap_heap/heap_anchor.c: finds and checks the anchor. */
#include "inspect/neap_heap/heap_anchor.h"

#include <stdbool.h>
#include <string.h>

enum {
    ALIGN_BYTES = 16,
    CHUNK_BYTES = 4096,
    SEARCH_BYTES_MAX = 64 << 20,
    HEAP_BYTES_MAX = 1 << 20, /* of the struct, not of the heap */
    MEMBER_BYTES_MAX = 4096,
};

static const char magic[] = NEAP_LAYOUT_MAGIC;

_Static_assert(sizeof(magic) - 1 == sizeof(((struct neap_layout_anchor *)0)->magic), "16 bytes");

/* A later build may append members to a struct, never take one away. */
static bool size_fits(uint32_t claimed, size_t known, size_t most) {
    return claimed >= known && claimed <= most && claimed % 8 == 0;
}

static const char *anchor_complain(const struct neap_layout_anchor *anchor) {
    if (memcmp(anchor->magic, magic, sizeof(anchor->magic)) != 0)
        return "no anchor";
    if (anchor->version != NEAP_LAYOUT_VERSION)
        return "a layout version that this neap does not know";
    if (!size_fits(anchor->anchor_bytes, sizeof(struct neap_layout_anchor), MEMBER_BYTES_MAX) ||
        !size_fits(anchor->region_bytes, sizeof(struct neap_layout_region), MEMBER_BYTES_MAX) ||
        !size_fits(anchor->unit_bytes, sizeof(struct neap_layout_unit), MEMBER_BYTES_MAX) ||
        !size_fits(anchor->class_bytes, sizeof(struct neap_layout_class), MEMBER_BYTES_MAX) ||
        !size_fits(anchor->event_bytes, sizeof(struct neap_layout_event), MEMBER_BYTES_MAX) ||
        !size_fits(anchor->mapped_run_bytes, sizeof(struct neap_layout_mapped_run), MEMBER_BYTES_MAX) ||
        !size_fits(anchor->heap_bytes, sizeof(struct neap_layout_heap), HEAP_BYTES_MAX))
        return "a struct of the anchor has an impossible size";
    if (anchor->pointer_bytes != 4 && anchor->pointer_bytes != 8)
        return "pointers of neither 4 nor 8 bytes";
    if (anchor->state > NEAP_STATE_REFUSED)
        return "an unknown state";
    if ((anchor->state == NEAP_STATE_SERVING && anchor->heap == 0) ||
        (anchor->pointer_bytes == 4 && anchor->heap > UINT32_MAX))
        return "an impossible heap address";
    return NULL;
}

static void text_clean(char *text, size_t bytes) {
    text[bytes - 1] = '\0';
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

int neap_heap_anchor_read(const struct neap_memory *memory, uint64_t address,
                          struct neap_layout_anchor *anchor, struct neap_fault *fault) {
    struct neap_layout_anchor found;
    int result = memory->read(memory->context, address, &found, sizeof(found));
    if (result != NEAP_OK) {
        *fault = (struct neap_fault){address, "the anchor cannot be read"};
        return result;
    }
    const char *why = anchor_complain(&found);
    if (why) {
        *fault = (struct neap_fault){address, why};
        return NEAP_ERROR_FORMAT;
    }
    text_clean(found.reason, sizeof(found.reason));
    text_clean(found.library, sizeof(found.library));
    *anchor = found;
    return NEAP_OK;
}

int neap_heap_anchor_find(const struct neap_memory *memory, uint64_t start, uint64_t end,
                          struct neap_layout_anchor *anchor, uint64_t *address, struct neap_fault *fault) {
    char chunk[CHUNK_BYTES];
    int verdict = NEAP_ERROR_ABSENT, unread = NEAP_OK;
    start = (start + ALIGN_BYTES - 1) & ~(uint64_t)(ALIGN_BYTES - 1);
    for (uint64_t searched = 0; start < end && end - start >= ALIGN_BYTES && searched < SEARCH_BYTES_MAX;
         searched += sizeof(chunk), start += sizeof(chunk)) {
        size_t bytes = end - start < sizeof(chunk) ? (size_t)(end - start) : sizeof(chunk);
        int result = memory->read(memory->context, start, chunk, bytes);
        if (result != NEAP_OK && verdict == NEAP_ERROR_ABSENT)
            *fault = (struct neap_fault){start, "the library's data cannot be read"};
        if (result != NEAP_OK && result != NEAP_ERROR_FORMAT && result != NEAP_ERROR_BUSY)
            return result;
        if (result !=
            NEAP_OK) /* a page that the library never touched, or one in swap: maybe not the anchor's */
            unread = result;
        for (size_t at = 0; result == NEAP_OK && at + ALIGN_BYTES <= bytes; at += ALIGN_BYTES) {
            if (memcmp(chunk + at, magic, ALIGN_BYTES) != 0)
                continue;
            verdict = neap_heap_anchor_read(memory, start + at, anchor, fault);
            if (verdict == NEAP_OK)
                *address = start + at;
            if (verdict != NEAP_ERROR_FORMAT)
                return verdict;
        }
        if (start > UINT64_MAX - sizeof(chunk))
            break;
    }
    return verdict == NEAP_ERROR_ABSENT && unread != NEAP_OK ? unread : verdict;
}
