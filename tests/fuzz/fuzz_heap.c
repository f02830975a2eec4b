/* tests/fuzz/fuzz_heap.c: any sequence of calls on a heap keeps it sound.
 *
 * The first byte chooses how the heap is; then each four bytes are a call:
 * what, which of 64 slots, and a size of 16 bits. Every block is filled with
 * its slot's pattern, which must be there when it ends; the heap's own check
 * must hold after every call, also when the system refuses memory.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <neap/heap.h>

#include "os/memory.h"

enum { SLOTS = 64, CALL_BYTES = 4, CALLS_MAX = 2048, CALLS_A_CHECK = 64, BLOCK_BYTES_MAX = 4 << 20 };

struct slot {
    uint8_t *block;
    size_t bytes;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "fuzz_heap: %s\n", what);
    abort();
}

static void fill(const struct slot *slot, uint8_t pattern) {
    if (slot->block)
        memset(slot->block, pattern, slot->bytes);
}

static void require_filled(const struct slot *slot, size_t bytes, uint8_t pattern) {
    if (bytes > 0)
        require(slot->block[0] == pattern && memcmp(slot->block, slot->block + 1, bytes - 1) == 0,
                "a block's contents have changed");
}

/* Small sizes more often than large ones, with every magnitude to be reached. */
static size_t size_from(uint16_t word) {
    const size_t size = (size_t)(word & 0x7ff) << (2 * (word >> 13));
    return size < BLOCK_BYTES_MAX ? size : BLOCK_BYTES_MAX;
}

static void allocate(neap_heap_t *heap, struct slot *slot, size_t size, bool zeroed) {
    neap_heap_free(heap, slot->block);
    slot->block = zeroed ? neap_heap_calloc(heap, 1, size) : neap_heap_alloc(heap, size);
    slot->bytes = size;
    if (!slot->block)
        return;
    require((uintptr_t)slot->block % 16 == 0, "a block is not aligned");
    require(neap_heap_owns(heap, slot->block), "a heap does not own its block");
    require(neap_heap_usable_bytes(heap, slot->block) >= size, "a block is too short");
    if (zeroed)
        require_filled(slot, size, 0);
}

static void reallocate(neap_heap_t *heap, struct slot *slot, size_t size, uint8_t pattern) {
    uint8_t *block = neap_heap_realloc(heap, slot->block, size);
    if (!block)
        return;
    const size_t kept = !slot->block ? 0 : (slot->bytes < size ? slot->bytes : size);
    *slot = (struct slot){block, size};
    require_filled(slot, kept, pattern);
}

static void release(neap_heap_t *heap, struct slot *slot, uint8_t pattern) {
    if (slot->block)
        require_filled(slot, slot->bytes, pattern);
    neap_heap_free(heap, slot->block);
    *slot = (struct slot){NULL, 0};
}

static void call(neap_heap_t *heap, struct slot *slots, const uint8_t *code) {
    struct slot *slot = &slots[code[1] % SLOTS];
    const uint8_t pattern = (uint8_t)(code[1] % SLOTS + 1);
    const size_t size = size_from((uint16_t)(code[2] | code[3] << 8));
    switch (code[0] % 8) {
    case 0:
    case 1:
        allocate(heap, slot, size, false);
        break;
    case 2:
        allocate(heap, slot, size, true);
        break;
    case 3:
        reallocate(heap, slot, size, pattern);
        break;
    case 4:
    case 5:
        release(heap, slot, pattern);
        break;
    case 6:
        if (code[2] & 1)
            neap_heap_trim(heap);
        else
            neap_heap_purge(heap);
        break;
    default:
        neap_os_fault_after(code[2] % 4);
        break;
    }
    fill(slot, pattern);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes) {
    if (bytes < 1 + CALL_BYTES)
        return 0;
    const struct neap_heap_options options = {
        .flags = data[0] & (NEAP_HEAP_SHARED | NEAP_HEAP_CHECKED | NEAP_HEAP_HARDENED),
        .reserve_bytes = 64u << 20,
        .limit_bytes = data[0] & 32 ? 8u << 20 : 0,
        .page_bytes = data[0] & 8 ? (uint32_t)neap_os_page_bytes() * 4 : 0,
        .decay_ms = data[0] & 16 ? 1 : 0,
    };
    neap_heap_t *heap = neap_heap_new(&options);
    require(heap != NULL, "a heap could not be made");

    struct slot slots[SLOTS] = {0};
    const size_t calls = (bytes - 1) / CALL_BYTES;
    const char *why = "";
    for (size_t i = 0; i < calls && i < CALLS_MAX; i++) {
        call(heap, slots, data + 1 + i * CALL_BYTES);
        if (i % CALLS_A_CHECK == CALLS_A_CHECK - 1)
            require(neap_heap_check(heap, &why), why);
    }
    require(neap_heap_check(heap, &why), why);
    neap_os_fault_after(0);
    neap_heap_destroy(heap);
    return 0;
}
