/* random_image.h: an image of a process whose mappings have random pages in memory. */
#ifndef NEAP_TESTS_RANDOM_IMAGE_H
#define NEAP_TESTS_RANDOM_IMAGE_H

#include <stdlib.h>

#include <cmocka.h>

#include "inspect/process/span_kind.h"

enum { PAGE = 4096, MAPPINGS = 8, PAGES_EACH = 40, UNITS = MAPPINGS * PAGES_EACH * 4, BASE = 0x100000 };

/* Quarters of pages: the model has a kind for each. */
static const uint64_t unit = PAGE / 4;

static inline void image_make(struct neap_process_image *image) {
    *image = (struct neap_process_image){.page_bytes = PAGE, .pointer_bytes = 8};
    image->mappings = calloc(MAPPINGS, sizeof(*image->mappings));
    image->mapping_count = MAPPINGS;
    for (size_t i = 0; i < MAPPINGS; i++) {
        struct neap_image_mapping *mapping = &image->mappings[i];
        uint64_t start = BASE + i * PAGES_EACH * PAGE;
        *mapping = (struct neap_image_mapping){
            .start = start, .end = start + PAGES_EACH * PAGE, .access = "rw-p", .path = ""};
        mapping->resident = calloc(2, sizeof(uint64_t));
        for (size_t page = 0; page < PAGES_EACH; page++)
            if (rand() % 3 != 0) {
                mapping->resident[page / 64] |= UINT64_C(1) << (page % 64);
                mapping->rss_bytes += PAGE;
            }
    }
    assert_int_equal(neap__process_image_spans(image), NEAP_OK);
}

#endif
