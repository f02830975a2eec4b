/* containers/frozen/frozen_code.h: codes texts as pieces, and pieces as bits.
 *
 *     "dancer", the six letters of a tail    pieces  "danc" "er."    . is the end
 *                                            bits    0110101 010
 *
 * A frozen trie has an alphabet of its own, learned from its keys. It has up to 1,024
 * pieces of up to seven bytes, each with or without the end of a text. A frequent
 * piece has few bits (a Huffman code of at most 12 bits). The number of bytes that
 * an entry shares with the one before it, a step, has a small code of its own.
 *
 * The lengths of codes define them, in canonical order, lowest bit first. Loading
 * verifies an alphabet. Reading with a loaded alphabet stays in bounds for any bits.
 * Pure; any thread may read a finished alphabet.
 */
#ifndef NEAP_CONTAINERS_FROZEN_FROZEN_CODE_H
#define NEAP_CONTAINERS_FROZEN_FROZEN_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    FROZEN_PIECES_MAX = 1024,
    FROZEN_PIECE_BYTES_MAX = 7,
    FROZEN_CODE_BITS_MAX = 12,
    FROZEN_STEPS = 16, /* 0 to 14 shared bytes; 15: a number follows, in groups of 7 bits */
    FROZEN_STEP_BITS_MAX = 8,
    FROZEN_ALPHABET_BYTES_MAX = FROZEN_PIECES_MAX * (2 + FROZEN_PIECE_BYTES_MAX) + FROZEN_STEPS + 2,
};

/* A piece: its text in the low bytes, first byte lowest; above them its length, and whether it includes the
 * end of the text. */
typedef uint64_t frozen_piece_t;

static inline frozen_piece_t frozen_piece(const uint8_t *text, unsigned bytes, bool ends) {
    uint64_t piece = 0;
    for (unsigned i = 0; i < bytes; i++)
        piece |= (uint64_t)text[i] << (8 * i);
    return piece | (uint64_t)(bytes | (ends ? 0x80u : 0)) << 56;
}

static inline unsigned frozen_piece_bytes(frozen_piece_t piece) {
    return (unsigned)(piece >> 56) & 7;
}

static inline bool frozen_piece_ends(frozen_piece_t piece) {
    return piece >> 63 != 0;
}

/* An alphabet. The tables are for reading: symbol << 4 | bits, for each value of the next bits; 0 bits mean
 * that there is no such code. */
struct neap__frozen_alphabet {
    frozen_piece_t piece[FROZEN_PIECES_MAX];
    uint8_t piece_bits[FROZEN_PIECES_MAX];
    uint16_t piece_code[FROZEN_PIECES_MAX]; /* as written, lowest bit first */
    uint8_t step_bits[FROZEN_STEPS];
    uint16_t step_code[FROZEN_STEPS];
    uint16_t piece_table[1 << FROZEN_CODE_BITS_MAX];
    uint16_t step_table[1 << FROZEN_STEP_BITS_MAX];
    unsigned count;
};

/* A reader of bits. All reads beyond the end fail. */
struct neap__frozen_bits {
    const uint8_t *data; /* eight bytes after the end of the bits must be readable */
    uint64_t at, end;    /* in bits */
};

static inline uint64_t frozen_load(const uint8_t *data) {
    uint64_t word;
    memcpy(&word, data, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* Returns the next bits, at least 57, without moving past them. */
static inline uint64_t frozen_bits_peek(const struct neap__frozen_bits *bits) {
    return frozen_load(bits->data + bits->at / 8) >> (bits->at % 8);
}

/* Reads the next piece; false at the end of the bits, or if there is no such code. */
static inline bool frozen_bits_piece(struct neap__frozen_bits *bits,
                                     const struct neap__frozen_alphabet *alphabet, frozen_piece_t *piece) {
    if (bits->at >= bits->end)
        return false;
    const unsigned entry = alphabet->piece_table[frozen_bits_peek(bits) & ((1u << FROZEN_CODE_BITS_MAX) - 1)];
    bits->at += entry & 15;
    *piece = alphabet->piece[entry >> 4];
    return entry != 0;
}

/* Reads the next step: the number of shared bytes. */
static inline bool frozen_bits_step(struct neap__frozen_bits *bits,
                                    const struct neap__frozen_alphabet *alphabet, size_t *step) {
    if (bits->at >= bits->end)
        return false;
    const unsigned entry = alphabet->step_table[frozen_bits_peek(bits) & ((1u << FROZEN_STEP_BITS_MAX) - 1)];
    bits->at += entry & 15;
    *step = entry >> 4;
    if (__builtin_expect(*step != FROZEN_STEPS - 1, 1))
        return entry != 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        if (bits->at >= bits->end)
            return false;
        const uint64_t group = frozen_bits_peek(bits) & 0xff;
        bits->at += 8;
        *step += (size_t)(group & 0x7f) << shift;
        if (group < 0x80)
            return true;
    }
    return false;
}

/* Skips a text. */
static inline bool frozen_bits_skip(struct neap__frozen_bits *bits,
                                    const struct neap__frozen_alphabet *alphabet) {
    frozen_piece_t piece;
    do {
        if (!frozen_bits_piece(bits, alphabet, &piece))
            return false;
    } while (!frozen_piece_ends(piece));
    return true;
}

/* Loads an alphabet from `bytes` of data. False if it is not one. */
bool neap__frozen_alphabet_load(struct neap__frozen_alphabet *alphabet, const uint8_t *data, size_t bytes);

/* Writes an alphabet, whose pieces and lengths of codes must be set; returns how many bytes it wrote, at
 * most FROZEN_ALPHABET_BYTES_MAX. */
size_t neap__frozen_alphabet_store(const struct neap__frozen_alphabet *alphabet, uint8_t *data);

/* Fills codes and tables from the lengths of codes. False if no code has these lengths. */
bool neap__frozen_alphabet_finish(struct neap__frozen_alphabet *alphabet);

/* Computes the lengths of a best code for `count` symbols, 1 to FROZEN_PIECES_MAX, with at most `bits_max`
 * bits. Symbols of weight 0 get no code. */
void neap__frozen_code_lengths(const uint32_t *weights, unsigned count, unsigned bits_max, uint8_t *lengths);

#endif
