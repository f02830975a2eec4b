/* containers/bits/bits_words.h: a bit array as words, for the files of it.
 *
 * A word lies in memory so that its bit i is bit i % 8 of byte i / 8; as a number it is
 * therefore turned round on machines that keep the high byte first. What works on all
 * bits alike (and, or, counting) takes words as they lie.
 */
#ifndef NEAP_CONTAINERS_BITS_BITS_WORDS_H
#define NEAP_CONTAINERS_BITS_BITS_WORDS_H

#include <neap/bits.h>

enum { WORD_BITS = 64, WORD_BYTES = 8 };

static inline uint64_t *words_of(const neap_bits_t *bits) {
    return (uint64_t *)(void *)neap_bits_data(bits);
}

/* Between a word as it lies and as a number; its own inverse. */
static inline uint64_t turned(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

/* Words that hold so many bits. */
static inline uint64_t words_for(uint64_t count) {
    return count / WORD_BITS + (count % WORD_BITS != 0);
}

/* Ones in the `width` lowest bits, width <= 64. */
static inline uint64_t low_ones(unsigned width) {
    return width < WORD_BITS ? (UINT64_C(1) << width) - 1 : ~UINT64_C(0);
}

/* Every bit of `count` words changed. */
void neap__bits_invert_words(uint64_t *words, size_t count);

/* Zeroes what lies in the last word beyond `count`. */
static inline void clear_tail(neap_bits_t *bits) {
    unsigned used = bits->count % WORD_BITS;
    if (used != 0)
        words_of(bits)[bits->count / WORD_BITS] &= turned(low_ones(used));
}

#endif
