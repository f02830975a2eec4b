/* Fuzz target: glibc's heap in a foreign process.
 *
 *   |main heap, in two mappings|arena of a thread|anonymous, blocks with a mapping of their own in it|
 *   LOW                    MIDDLE             MIDDLE + 4 pages
 *
 * Changes (change.h) to sound chunks; the first byte's bits say: words of 4 bytes; every third page not
 * resident. Whatever comes of it, spans stay sound, no more is used or free than there is, and reading is
 * bounded.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "change.h"
#include "inspect/space/glibc_heap.h"
#include "inspect/process/span_kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { PAGE = 4096, PAGES = 16, MAIN_PAGES = 4, ARENA_PAGES = 4, MAPPED_AT = 9, NARROW = 1, SPARSE = 2 };
#define MIDDLE UINT64_C(0x7f0004000000) /* where an arena may begin: a multiple of 64 MiB */
#define LOW    (MIDDLE - MAIN_PAGES * PAGE)

static struct change_image images[2];
static uint64_t reads;

static void word_put(unsigned char *bytes, size_t word, size_t at, uint64_t value) {
    memcpy(bytes + at, &value, word);
}

/* Chunks of many sizes, every third one free, the last one top. */
static void chunks_lay(unsigned char *bytes, size_t word, size_t at, size_t end) {
    uint64_t before = 1;
    for (size_t i = 0; at < end; i++) {
        size_t size = i < 40 ? (4 + i * 7 % 30) * 16 : end - at;
        if (size > end - at || end - at - size < 64)
            size = end - at;
        word_put(bytes, word, at + word, size | before);
        before = i % 3 != 0;
        at += size;
    }
}

static void image_make(unsigned char *bytes, size_t word) {
    size_t arena = MAIN_PAGES * PAGE, mapped = MAPPED_AT * PAGE, shift = 16 - 2 * word;
    memset(bytes, 0, PAGES * PAGE);
    chunks_lay(bytes, word, 0, arena);
    word_put(bytes, word, arena, MIDDLE + 4 * word);
    word_put(bytes, word, arena + 2 * word, ARENA_PAGES * PAGE);
    chunks_lay(bytes, word, arena + 2048, arena + ARENA_PAGES * PAGE);
    word_put(bytes, word, mapped + shift, shift);
    word_put(bytes, word, mapped + shift + word, (2 * PAGE - shift) | 2);
}

const struct change_image *fuzz_image(uint8_t how) {
    struct change_image *image = &images[how & NARROW];
    if (!image->bytes) {
        unsigned char *bytes = malloc(PAGES * PAGE);
        if (!bytes)
            abort();
        image_make(bytes, how & NARROW ? 4 : 8);
        *image = change_image_of(bytes, PAGES * PAGE, LOW);
    }
    return image;
}

static int memory_read(void *context, uint64_t address, void *out, size_t bytes) {
    const struct change_image *image = context;
    reads++;
    if (address < LOW || address - LOW > image->size || bytes > image->size - (address - LOW))
        return NEAP_ERROR_FORMAT;
    memcpy(out, image->bytes + (address - LOW), bytes);
    return NEAP_OK;
}

/* Pages of a mapping, every third one left out; returns how many bytes are there. */
static uint64_t pages_note(struct neap_image_mapping *mapping, uint64_t *bits) {
    uint64_t pages = (mapping->end - mapping->start) / PAGE, there = 0;
    *bits = 0;
    for (uint64_t i = 0; i < pages; i++)
        if (i % 3 != 2) {
            *bits |= UINT64_C(1) << i;
            there++;
        }
    mapping->resident = bits;
    return there * PAGE;
}

static void look(const struct change_image *bytes, uint8_t how) {
    static const uint64_t cuts[] = {0, 3, MAIN_PAGES, MAIN_PAGES + ARENA_PAGES, MAPPED_AT + 1, PAGES};
    enum { MAPPINGS = sizeof(cuts) / sizeof(cuts[0]) - 1 };
    struct neap_image_mapping mappings[MAPPINGS];
    struct neap_process_image image = {.page_bytes = PAGE,
                                       .pointer_bytes = how & NARROW ? 4 : 8,
                                       .mappings = mappings,
                                       .mapping_count = MAPPINGS};
    const struct neap_memory memory = {.read = memory_read, .context = (void *)bytes};
    struct neap_glibc_facts facts;
    uint64_t bits[MAPPINGS], resident = 0;
    const char *why;
    for (size_t i = 0; i < MAPPINGS; i++) {
        mappings[i] = (struct neap_image_mapping){.start = LOW + cuts[i] * PAGE,
                                                  .end = LOW + cuts[i + 1] * PAGE,
                                                  .access = "rw-p",
                                                  .path = cuts[i] < MAIN_PAGES ? "[heap]" : "",
                                                  .rss_bytes = (cuts[i + 1] - cuts[i]) * PAGE};
        if (how & SPARSE)
            mappings[i].rss_bytes = pages_note(&mappings[i], &bits[i]);
        resident += mappings[i].rss_bytes;
    }
    reads = 0;
    if (neap__process_image_spans(&image) != NEAP_OK ||
        neap_glibc_heap_claim(&image, &memory, &facts) != NEAP_OK)
        abort();
    if (!neap_process_image_check(&image, &why) || facts.used_bytes > resident ||
        facts.free_bytes > resident - facts.used_bytes || reads > bytes->size)
        abort();
    free(image.spans);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes == 0)
        return 0;
    const struct change_image *image = fuzz_image(data[0]);
    change_make(image, data, bytes);
    look(image, data[0]);
    change_undo(image);
    return 0;
}
