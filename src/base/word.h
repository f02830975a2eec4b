/* base/word.h: arithmetic on words. Any thread. */
#ifndef NEAP_BASE_WORD_H
#define NEAP_BASE_WORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEAP_LIKELY(x)   __builtin_expect(!!(x), 1)
#define NEAP_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Index of the lowest set bit; `word` is not 0. */
static inline unsigned neap_word_lowest(uint64_t word) {
    return (unsigned)__builtin_ctzll(word);
}

/* Index of the highest set bit; `word` is not 0. */
static inline unsigned neap_word_highest(uint64_t word) {
    return 63u - (unsigned)__builtin_clzll(word);
}

static inline unsigned neap_word_count(uint64_t word) {
    return (unsigned)__builtin_popcountll(word);
}

static inline bool neap_word_power_of_two(uint64_t n) {
    return n != 0 && (n & (n - 1)) == 0;
}

/* Rounds up to a multiple of `step`, a power of two; the sum must not overflow. */
static inline uint64_t neap_word_round_up(uint64_t n, uint64_t step) {
    return (n + step - 1) & ~(step - 1);
}

/* The same for size_t. */
static inline size_t neap_word_round_up_size(size_t n, size_t step) {
    return (n + step - 1) & ~(step - 1);
}

/* A word whose bits first to last are set, 0 <= first <= last < 64. */
static inline uint64_t neap_word_span(unsigned first, unsigned last) {
    return (~UINT64_C(0) >> (63 - last)) & (~UINT64_C(0) << first);
}

#endif
