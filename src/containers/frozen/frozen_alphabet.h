/* containers/frozen/frozen_alphabet.h: learning an alphabet from a sample of texts.
 *
 *     single bytes ──> cut the sample ──> which pieces, and which neighbours
 *          ^            into pieces       taken as one, would save most?
 *          └───────── the best of them, a few times over ◄──┘
 *
 * What a piece saves is what its bytes would cost one by one, less what it costs
 * itself; and a little for each piece less that has to be read.
 */
#ifndef NEAP_CONTAINERS_FROZEN_FROZEN_ALPHABET_H
#define NEAP_CONTAINERS_FROZEN_FROZEN_ALPHABET_H

#include "containers/frozen/frozen_code.h"

enum {
    FROZEN_INDEX_SLOTS = 4096,
    FROZEN_PAIR_SLOTS = 4096,
    FROZEN_SAMPLE_TEXT_MAX = 255, /* bytes of a text that are looked at */
};

/* Finds pieces by their text. */
struct neap__frozen_index {
    uint16_t slot[FROZEN_INDEX_SLOTS]; /* piece + 1 */
    uint8_t lengths[256];              /* by first byte: a bit for each length that does not end */
};

/* What training needs besides: some 150 KiB. */
struct neap__frozen_trainer {
    struct neap__frozen_index index;
    uint32_t weight[FROZEN_PIECES_MAX];
    uint32_t byte_cost[257]; /* in 1/16 bits; 256 is the end */
    struct neap__frozen_pair {
        frozen_piece_t piece; /* 0: an empty slot */
        uint32_t count;
    } pair[FROZEN_PAIR_SLOTS];
    struct neap__frozen_candidate {
        frozen_piece_t piece;
        uint32_t score;
    } candidate[FROZEN_PIECES_MAX + FROZEN_PAIR_SLOTS];
    uint16_t order[FROZEN_PIECES_MAX + FROZEN_PAIR_SLOTS];
};

/* Texts, each with a byte of its length before it; the longest is without its end. */
struct neap__frozen_sample {
    uint8_t *data;
    size_t bytes, room;
    unsigned share;               /* one in so many is in the sample */
    uint32_t steps[FROZEN_STEPS]; /* how often each was seen, in all or in a share */
    bool occurs[256];             /* bytes that must have a piece, in all texts */
};

/* Fills an alphabet, finished, with a piece for each byte that occurs and for the end. */
void neap__frozen_alphabet_learn(struct neap__frozen_alphabet *alphabet, struct neap__frozen_trainer *trainer,
                                 const struct neap__frozen_sample *sample);

void neap__frozen_index_fill(struct neap__frozen_index *index, const struct neap__frozen_alphabet *alphabet);

/* The longest piece that a text of `bytes` begins with, its end included: its number. */
unsigned neap__frozen_index_find(const struct neap__frozen_index *index,
                                 const struct neap__frozen_alphabet *alphabet, const uint8_t *text,
                                 size_t bytes, bool ends);

#endif
