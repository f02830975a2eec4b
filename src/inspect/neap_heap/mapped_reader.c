/* inspect/neap_heap/mapped_reader.c */
#include "inspect/neap_heap/mapped_reader.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <neap/error.h>

static bool sound(const struct neap_layout_mapped_run *run, uint64_t end, uint32_t page_bytes) {
    return run->address >= end && run->mapped_bytes > 0 && run->mapped_bytes <= UINT64_MAX - run->address &&
           run->touched_bytes <= run->mapped_bytes && run->run_bytes <= run->touched_bytes &&
           (run->mapped_bytes | run->touched_bytes | run->run_bytes) % page_bytes == 0;
}

static void keep_sound(const unsigned char *raw, uint32_t count, uint32_t stride, uint32_t page_bytes,
                       struct neap_mapped_runs *runs) {
    uint64_t end = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct neap_layout_mapped_run run;
        memcpy(&run, raw + (size_t)i * stride, sizeof(run));
        if (!sound(&run, end, page_bytes)) {
            runs->rejected++;
            continue;
        }
        end = run.address + run.mapped_bytes;
        runs->runs[runs->count++] = run;
    }
}

int neap_mapped_runs_read(const struct neap_memory *memory, const struct neap_layout_heap *heap,
                          uint32_t stride, struct neap_mapped_runs *runs) {
    uint32_t count = heap->mapped == 0 ? 0 : heap->mapped_count;
    if (count > NEAP_LAYOUT_MAPPED_MAX)
        count = NEAP_LAYOUT_MAPPED_MAX;
    *runs = (struct neap_mapped_runs){0};
    if (count == 0)
        return NEAP_OK;
    unsigned char *raw = malloc((size_t)count * stride);
    runs->runs = calloc(count, sizeof(*runs->runs));
    int error = raw && runs->runs ? memory->read(memory->context, heap->mapped, raw, (size_t)count * stride)
                                  : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK)
        keep_sound(raw, count, stride, heap->page_bytes, runs);
    else
        neap_mapped_runs_free(runs);
    free(raw);
    return error;
}

void neap_mapped_runs_free(struct neap_mapped_runs *runs) {
    free(runs->runs);
    *runs = (struct neap_mapped_runs){0};
}
