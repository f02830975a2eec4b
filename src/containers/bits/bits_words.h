/* containers/bits/bits_words.h: a bit array as words, for the files of this module.
 *
 * In memory, bit i of a word is bit i % 8 of byte i / 8. On big-endian machines a word must
 * therefore be byte-swapped before it is used as a number. Operations that treat all bits
 * alike (and, or, counting) use words as they are.
 */
#ifndef NEAP_CONTAINERS_BITS_BITS_WORDS_H
#define NEAP_CONTAINERS_BITS_BITS_WORDS_H

#include <neap/bits.h>

enum { WORD_BITS = 64, WORD_BYTES = 8 };

static inline uint64_t *words_of(const neap_bits_t *bits) {
    return (uint64_t *)(void *)neap_bits_data(bits);
}

/* Converts between a word in memory and a number; its own inverse. */
static inline uint64_t turned(uint64_t word) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return __builtin_bswap64(word);
#else
    return word;
#endif
}

/* Number of words for `count` bits. */
static inline uint64_t words_for(uint64_t count) {
    return count / WORD_BITS + (count % WORD_BITS != 0);
}

/* A number with ones in the `width` lowest bits, width <= 64. */
static inline uint64_t low_ones(unsigned width) {
    return width < WORD_BITS ? (UINT64_C(1) << width) - 1 : ~UINT64_C(0);
}

/* Inverts every bit of `count` words. */
void neap__bits_invert_words(uint64_t *words, size_t count);

/* Zeroes the bits of the last word beyond `count`. Of a file, only those of the last byte are the array's:
 * another process may have appended more. */
static inline void clear_tail(neap_bits_t *bits) {
    unsigned used = bits->count % WORD_BITS;
    if (used == 0)
        return;
    if (bits->state == NEAP_BITS_IN_MEMORY)
        words_of(bits)[bits->count / WORD_BITS] &= turned(low_ones(used));
    else if (used % 8 != 0)
        neap_bits_data(bits)[bits->count / 8] &= (unsigned char)low_ones(used % 8);
}

#endif
