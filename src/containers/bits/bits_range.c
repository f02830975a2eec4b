/* containers/bits/bits_range.c: ranges of a bit array: numbers, filling, copying, moving. */
#include <neap/bits.h>

#include <string.h>

#include "base/word.h"
#include "containers/bits/bits_words.h"

uint64_t neap_bits_load(const neap_bits_t *bits, uint64_t at, unsigned width) {
    assert(width <= WORD_BITS && at <= bits->count && width <= bits->count - at);
    if (width == 0)
        return 0;
    const uint64_t *word = words_of(bits) + at / WORD_BITS;
    unsigned offset = at % WORD_BITS;
    uint64_t value = turned(word[0]) >> offset;
    if (offset != 0 && offset + width > WORD_BITS)
        value |= turned(word[1]) << (WORD_BITS - offset);
    return value & low_ones(width);
}

void neap_bits_store(neap_bits_t *bits, uint64_t at, unsigned width, uint64_t value) {
    assert(width <= WORD_BITS && at <= bits->count && width <= bits->count - at);
    assert(bits->state != NEAP_BITS_IN_FILE_TO_READ);
    if (width == 0)
        return;
    uint64_t *word = words_of(bits) + at / WORD_BITS, mask = low_ones(width);
    unsigned offset = at % WORD_BITS;
    value &= mask;
    word[0] = (word[0] & ~turned(mask << offset)) | turned(value << offset);
    if (offset != 0 && offset + width > WORD_BITS) {
        unsigned done = WORD_BITS - offset;
        word[1] = (word[1] & ~turned(mask >> done)) | turned(value >> done);
    }
}

/* Finds the words [first, last) that lie completely in [from, to). Before and after them are two
 * parts of less than a word, which may be empty. False if there is no such word; the range is then
 * shorter than two words. */
static bool whole_words(uint64_t from, uint64_t to, uint64_t *first, uint64_t *last) {
    *first = words_for(from);
    *last = to / WORD_BITS;
    return *first < *last;
}

void neap_bits_fill(neap_bits_t *bits, uint64_t from, uint64_t to, bool value) {
    uint64_t first, last, ones = value ? ~UINT64_C(0) : 0;
    assert(from <= to && to <= bits->count);
    if (whole_words(from, to, &first, &last)) {
        memset(words_of(bits) + first, value ? 0xFF : 0, (size_t)(last - first) * WORD_BYTES);
        neap_bits_store(bits, from, (unsigned)(first * WORD_BITS - from), ones);
        from = last * WORD_BITS;
    }
    for (; from < to; from += WORD_BITS)
        neap_bits_store(bits, from, to - from < WORD_BITS ? (unsigned)(to - from) : WORD_BITS, ones);
}

static void invert_piece(neap_bits_t *bits, uint64_t from, uint64_t to) {
    unsigned width = (unsigned)(to - from);
    neap_bits_store(bits, from, width, ~neap_bits_load(bits, from, width));
}

void neap_bits_invert(neap_bits_t *bits, uint64_t from, uint64_t to) {
    uint64_t first, last;
    assert(from <= to && to <= bits->count && bits->state != NEAP_BITS_IN_FILE_TO_READ);
    if (whole_words(from, to, &first, &last)) {
        invert_piece(bits, from, first * WORD_BITS);
        neap__bits_invert_words(words_of(bits) + first, (size_t)(last - first));
        from = last * WORD_BITS;
    }
    for (; from < to; from += WORD_BITS)
        invert_piece(bits, from, to - from < WORD_BITS ? to : from + WORD_BITS);
}

static uint64_t mirrored(uint64_t word) {
    word = (word >> 1 & 0x5555555555555555) | (word & 0x5555555555555555) << 1;
    word = (word >> 2 & 0x3333333333333333) | (word & 0x3333333333333333) << 2;
    word = (word >> 4 & 0x0F0F0F0F0F0F0F0F) | (word & 0x0F0F0F0F0F0F0F0F) << 4;
    return __builtin_bswap64(word);
}

void neap_bits_reverse(neap_bits_t *bits) {
    uint64_t low = 0, high = bits->count;
    for (; high - low >= UINT64_C(2) * WORD_BITS; low += WORD_BITS, high -= WORD_BITS) {
        uint64_t lower = neap_bits_load(bits, low, WORD_BITS);
        uint64_t upper = neap_bits_load(bits, high - WORD_BITS, WORD_BITS);
        neap_bits_store(bits, low, WORD_BITS, mirrored(upper));
        neap_bits_store(bits, high - WORD_BITS, WORD_BITS, mirrored(lower));
    }
    for (; high - low >= 2; low++, high--) {
        bool lower = neap_bits_get(bits, low), upper = neap_bits_get(bits, high - 1);
        neap_bits_set(bits, low, upper);
        neap_bits_set(bits, high - 1, lower);
    }
}

/* --- copying --- */

/* Copies to `words` whole words, from bit `offset` of the source on. It goes towards higher addresses,
 * so a word of the source is read before it is overwritten. */
static void copy_words_up(uint64_t *to, const uint64_t *from, unsigned offset, uint64_t words) {
    if (offset == 0) {
        memmove(to, from, (size_t)words * WORD_BYTES);
        return;
    }
    uint64_t low = turned(from[0]);
    for (uint64_t i = 0; i < words; i++) {
        uint64_t high = turned(from[i + 1]);
        to[i] = turned(low >> offset | high << (WORD_BITS - offset));
        low = high;
    }
}

static void copy_words_down(uint64_t *to, const uint64_t *from, unsigned offset, uint64_t words) {
    if (offset == 0) {
        memmove(to, from, (size_t)words * WORD_BYTES);
        return;
    }
    uint64_t high = turned(from[words]);
    for (uint64_t i = words; i-- > 0;) {
        uint64_t low = turned(from[i]);
        to[i] = turned(low >> offset | high << (WORD_BITS - offset));
        high = low;
    }
}

static void copy_piece(neap_bits_t *bits, uint64_t at, const neap_bits_t *source, uint64_t source_at,
                       uint64_t count) {
    unsigned width = (unsigned)count;
    neap_bits_store(bits, at, width, neap_bits_load(source, source_at, width));
}

void neap_bits_copy(neap_bits_t *bits, uint64_t at, const neap_bits_t *source, uint64_t source_at,
                    uint64_t count) {
    assert(at <= bits->count && count <= bits->count - at);
    assert(source_at <= source->count && count <= source->count - source_at);
    assert(bits->state != NEAP_BITS_IN_FILE_TO_READ);
    uint64_t first, last;
    if (!whole_words(at, at + count, &first, &last)) {
        uint64_t lower =
            count < WORD_BITS ? count : WORD_BITS; /* read both parts before the first is written */
        uint64_t upper = neap_bits_load(source, source_at + lower, (unsigned)(count - lower));
        copy_piece(bits, at, source, source_at, lower);
        neap_bits_store(bits, at + lower, (unsigned)(count - lower), upper);
        return;
    }
    uint64_t head = first * WORD_BITS - at, tail = at + count - last * WORD_BITS;
    uint64_t middle = source_at + head;
    const uint64_t *from = words_of(source) + middle / WORD_BITS;
    uint64_t *to = words_of(bits) + first;
    bool up = words_of(bits) != words_of(source) || at <= source_at;
    if (up)
        copy_piece(bits, at, source, source_at, head);
    else
        copy_piece(bits, last * WORD_BITS, source, source_at + count - tail, tail);
    (up ? copy_words_up : copy_words_down)(to, from, middle % WORD_BITS, last - first);
    if (up)
        copy_piece(bits, last * WORD_BITS, source, source_at + count - tail, tail);
    else
        copy_piece(bits, at, source, source_at, head);
}

/* --- moving all --- */

void neap_bits_shift_up(neap_bits_t *bits, uint64_t distance) {
    if (distance > bits->count)
        distance = bits->count;
    neap_bits_copy(bits, distance, bits, 0, bits->count - distance);
    neap_bits_fill(bits, 0, distance, false);
}

void neap_bits_shift_down(neap_bits_t *bits, uint64_t distance) {
    if (distance > bits->count)
        distance = bits->count;
    neap_bits_copy(bits, 0, bits, distance, bits->count - distance);
    neap_bits_fill(bits, bits->count - distance, bits->count, false);
}
