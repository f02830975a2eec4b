/* inspect/space/thread_stack.c: finds stacks by the registers of threads, and by guards. */
#include "inspect/space/thread_stack.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 2304,          /* struct pthread of glibc on 64 bits, the largest of all */
    OWN_BLOCK_BYTES = 64 * 1024, /* the main thread's mapping is smaller */
    STACK_BYTES_LEAST = 16 * 1024,
};

static int pointer_compare(const void *a, const void *b) {
    const struct neap_image_thread *const *left = a, *const *right = b;
    return ((*left)->stack_pointer > (*right)->stack_pointer) -
           ((*left)->stack_pointer < (*right)->stack_pointer);
}

/* The start of a stack, from struct pthread (nptl/descr.h), which has the address and size of the stack in
 * neighbouring words. Their sum is the end of the page in which the struct ends. Returns `otherwise` if
 * there are no two such words. */
static uint64_t start_noted(const struct neap_process_image *image, const struct neap_memory *memory,
                            const struct neap_image_thread *thread, uint64_t otherwise) {
    unsigned char words[BLOCK_BYTES];
    size_t word = image->pointer_bytes;
    uint64_t page = image->page_bytes, block = thread->thread_pointer;
    if (memory->read(memory->context, block, words, sizeof(words)) != NEAP_OK)
        return otherwise;
    for (size_t at = 0; at + 2 * word <= sizeof(words); at += word) {
        uint64_t start = 0, bytes = 0; /* little-endian, as all targets are */
        memcpy(&start, words + at, word);
        memcpy(&bytes, words + at + word, word);
        if (start % page == 0 && bytes % page == 0 && start < thread->stack_pointer &&
            start + bytes > block && start + bytes - block <= BLOCK_BYTES + page)
            return start > otherwise ? start : otherwise;
    }
    return otherwise;
}

/* Finds the stack of a thread, without the part that a thread below has, because the kernel joins
 * neighbouring stacks. False if the stack pointer leads to no stack. */
static bool stack_of(const struct neap_process_image *image, const struct neap_memory *memory,
                     const struct neap_image_thread *thread, uint64_t taken, struct neap_image_span *stack) {
    const struct neap_image_span *span = neap_process_image_span(image, thread->stack_pointer);
    uint64_t page = image->page_bytes, block = thread->thread_pointer;
    if (thread->stack_pointer < taken || !span || span->kind != NEAP_SPAN_ANONYMOUS)
        return false;
    uint64_t start = span->start > taken ? span->start : taken, end = span->end;
    if (block >= thread->stack_pointer && block < end) {
        start = start_noted(image, memory, thread, start);
        if (end - block > BLOCK_BYTES) /* the kernel has joined other memory behind it */
            end = (block + BLOCK_BYTES + page - 1) / page * page;
    }
    *stack = (struct neap_image_span){.start = start,
                                      .end = end < span->end ? end : span->end,
                                      .kind = NEAP_SPAN_STACK,
                                      .tid = thread->tid};
    return true;
}

/* Finds the stacks of all threads, from the lowest one up, in one pass over the spans. */
static int stacks_claim(struct neap_process_image *image, const struct neap_memory *memory) {
    const struct neap_image_thread **threads = calloc(image->thread_count + 1, sizeof(*threads));
    struct neap_image_span *stacks = calloc(image->thread_count + 1, sizeof(*stacks));
    size_t count = 0;
    int error = threads && stacks ? NEAP_OK : NEAP_ERROR_MEMORY;
    if (error == NEAP_OK) {
        for (size_t i = 0; i < image->thread_count; i++)
            threads[i] = &image->threads[i];
        qsort(threads, image->thread_count, sizeof(*threads), pointer_compare);
        uint64_t taken = 1; /* 0 is not a stack pointer */
        for (size_t i = 0; i < image->thread_count; i++)
            if (stack_of(image, memory, threads[i], taken, &stacks[count]))
                taken = stacks[count++].end;
        error = neap_process_image_claim_all(image, stacks, count);
    }
    free(stacks);
    free(threads);
    return error;
}

/* Claims struct pthread of a thread whose stack is elsewhere, with thread-local variables of libraries. */
static int block_claim(struct neap_process_image *image, const struct neap_image_thread *thread) {
    const struct neap_image_span *span = neap_process_image_span(image, thread->thread_pointer);
    if (thread->thread_pointer == 0 || !span || span->kind != NEAP_SPAN_ANONYMOUS ||
        span->end - span->start > OWN_BLOCK_BYTES)
        return NEAP_OK;
    struct neap_image_span claim = {.start = span->start, .end = span->end, .kind = NEAP_SPAN_DATA};
    return neap_process_image_claim(image, &claim);
}

/* An unclaimed mapping directly above one page without access. */
static bool looks_like_stack(const struct neap_process_image *image, size_t i) {
    const struct neap_image_span *span = &image->spans[i];
    const struct neap_image_mapping *mapping = &image->mappings[span->mapping];
    return i > 0 && span->kind == NEAP_SPAN_ANONYMOUS && span->start == mapping->start &&
           span->end - span->start >= STACK_BYTES_LEAST && strncmp(mapping->access, "rw-p", 4) == 0 &&
           span[-1].kind == NEAP_SPAN_RESERVED && span[-1].end == span->start &&
           span[-1].end - span[-1].start == image->page_bytes;
}

int neap_thread_stacks_claim(struct neap_process_image *image, const struct neap_memory *memory) {
    int error = stacks_claim(image, memory);
    for (size_t i = 0; i < image->thread_count && error == NEAP_OK; i++)
        error = block_claim(image, &image->threads[i]);
    for (size_t i = 0; i < image->span_count && error == NEAP_OK; i++)
        if (looks_like_stack(image, i))
            image->spans[i].kind = NEAP_SPAN_STACK;
    return error;
}

uint64_t neap_thread_stacks_resident(const struct neap_process_image *image, size_t *count) {
    uint64_t bytes = 0;
    *count = 0;
    for (size_t i = 0; i < image->span_count; i++) {
        const struct neap_image_span *span = &image->spans[i];
        if (span->kind != NEAP_SPAN_STACK)
            continue;
        bytes += neap_process_image_resident(image, span->start, span->end);
        *count += i == 0 || span[-1].kind != NEAP_SPAN_STACK || span[-1].tid != span->tid;
    }
    return bytes;
}
