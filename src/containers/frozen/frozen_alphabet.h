/* containers/frozen/frozen_alphabet.h: learns an alphabet from a sample of texts.
 *
 *     single bytes ──> cut the sample ──> which pieces, and which neighbours
 *          ^            into pieces       joined into one, save the most?
 *          └───────── the best of them; this is repeated a few times ◄──┘
 *
 * The saving of a piece is the cost of its bytes one by one minus the cost of the
 * piece, plus a little for each piece that need not be read.
 */
#ifndef NEAP_CONTAINERS_FROZEN_FROZEN_ALPHABET_H
#define NEAP_CONTAINERS_FROZEN_FROZEN_ALPHABET_H

#include "containers/frozen/frozen_code.h"

enum {
    FROZEN_INDEX_SLOTS = 4096,
    FROZEN_PAIR_SLOTS = 4096,
    FROZEN_SAMPLE_TEXT_MAX = 255, /* bytes of a text that are used */
};

/* A hash table from texts to pieces. */
struct neap__frozen_index {
    uint16_t slot[FROZEN_INDEX_SLOTS]; /* number of the piece plus 1 */
    uint8_t lengths[256];              /* by first byte: one bit per length of pieces without an end */
};

/* The working memory of training: about 150 KiB. */
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

/* Texts, each with its length in a byte before it. A text of the maximal length counts as without end. */
struct neap__frozen_sample {
    uint8_t *data;
    size_t bytes, room;
    unsigned share;               /* every `share`-th text is in the sample */
    uint32_t steps[FROZEN_STEPS]; /* how often each step occurs, in all texts or in a share of them */
    bool occurs[256];             /* which bytes occur in any text; each must have a piece */
};

/* Fills and finishes an alphabet. It has a piece for each byte that occurs and for the end. */
void neap__frozen_alphabet_learn(struct neap__frozen_alphabet *alphabet, struct neap__frozen_trainer *trainer,
                                 const struct neap__frozen_sample *sample);

void neap__frozen_index_fill(struct neap__frozen_index *index, const struct neap__frozen_alphabet *alphabet);

/* The number of the longest piece that a text of `bytes` begins with. If `ends`, the end of the text is
 * part of it. */
unsigned neap__frozen_index_find(const struct neap__frozen_index *index,
                                 const struct neap__frozen_alphabet *alphabet, const uint8_t *text,
                                 size_t bytes, bool ends);

#endif
