/* containers/frozen/frozen_alphabet.c */
#include "containers/frozen/frozen_alphabet.h"

#include <assert.h>

#include "base/word.h"

enum {
    GENERATIONS = 6,
    COST_UNIT = 16, /* costs are in 1/16 bits */
    READ_COST = 1 * COST_UNIT,
    END = 256,
};

/* --- pieces by text --------------------------------------------------------- */

static unsigned slot_of(frozen_piece_t piece) {
    return (unsigned)(piece * UINT64_C(0x9e3779b97f4a7c15) >> 52) % FROZEN_INDEX_SLOTS;
}

static int look_up(const struct neap__frozen_index *index, const struct neap__frozen_alphabet *alphabet,
                   frozen_piece_t piece) {
    for (unsigned slot = slot_of(piece); index->slot[slot] != 0; slot = (slot + 1) % FROZEN_INDEX_SLOTS)
        if (alphabet->piece[index->slot[slot] - 1] == piece)
            return index->slot[slot] - 1;
    return -1;
}

void neap__frozen_index_fill(struct neap__frozen_index *index, const struct neap__frozen_alphabet *alphabet) {
    memset(index, 0, sizeof(*index));
    for (unsigned i = 0; i < alphabet->count; i++) {
        const frozen_piece_t piece = alphabet->piece[i];
        unsigned slot = slot_of(piece);
        while (index->slot[slot] != 0)
            slot = (slot + 1) % FROZEN_INDEX_SLOTS;
        index->slot[slot] = (uint16_t)(i + 1);
        if (!frozen_piece_ends(piece))
            index->lengths[piece & 0xff] |= (uint8_t)(1u << frozen_piece_bytes(piece));
    }
}

unsigned neap__frozen_index_find(const struct neap__frozen_index *index,
                                 const struct neap__frozen_alphabet *alphabet, const uint8_t *text,
                                 size_t bytes, bool ends) {
    int found = -1;
    if (ends && bytes <= FROZEN_PIECE_BYTES_MAX)
        found = look_up(index, alphabet, frozen_piece(text, (unsigned)bytes, true));
    if (found >= 0)
        return (unsigned)found;
    assert(bytes > 0);
    unsigned lengths = index->lengths[text[0]];
    if (bytes < FROZEN_PIECE_BYTES_MAX)
        lengths &= (2u << bytes) - 1;
    for (; lengths != 0; lengths &= ~(1u << neap_word_highest(lengths))) {
        found = look_up(index, alphabet, frozen_piece(text, neap_word_highest(lengths), false));
        if (found >= 0)
            return (unsigned)found;
    }
    assert(found >= 0); /* each byte that occurs has a piece */
    return 0;
}

/* --- costs ------------------------------------------------------------------ */

/* log2 of a number that is at least 1, in 1/16. */
static uint32_t log2_16(uint32_t number) {
    const unsigned whole = neap_word_highest(number);
    const uint32_t fraction = (uint32_t)((number - (UINT64_C(1) << whole)) * COST_UNIT >> whole);
    return whole * COST_UNIT + fraction;
}

static void cost_bytes(struct neap__frozen_trainer *trainer, const struct neap__frozen_sample *sample) {
    uint32_t count[END + 1] = {0}, total = 1;
    for (size_t at = 0; at < sample->bytes; at += sample->data[at] + 1u) {
        for (size_t i = 0; i < sample->data[at]; i++)
            count[sample->data[at + 1 + i]]++;
        count[END] += sample->data[at] < FROZEN_SAMPLE_TEXT_MAX;
        total += sample->data[at] + 1u;
    }
    for (unsigned i = 0; i <= END; i++)
        trainer->byte_cost[i] = log2_16(total) - log2_16(count[i] + (count[i] == 0));
}

/* --- generations ------------------------------------------------------------ */

static void count_pair(struct neap__frozen_trainer *trainer, frozen_piece_t a, frozen_piece_t b) {
    const unsigned bytes = frozen_piece_bytes(a) + frozen_piece_bytes(b);
    if (bytes > FROZEN_PIECE_BYTES_MAX)
        return;
    const uint64_t text = (a & UINT64_C(0xffffffffffffff)) | (b & UINT64_C(0xffffffffffffff))
                                                                 << (8 * frozen_piece_bytes(a));
    const frozen_piece_t piece = text | (uint64_t)(bytes | (frozen_piece_ends(b) ? 0x80u : 0)) << 56;
    unsigned slot = slot_of(piece) % FROZEN_PAIR_SLOTS;
    /* A full table takes no more; the frequent pairs are in it by then. */
    for (unsigned tries = 0; tries < 16; tries++, slot = (slot + 1) % FROZEN_PAIR_SLOTS) {
        if (trainer->pair[slot].count == 0)
            trainer->pair[slot].piece = piece;
        if (trainer->pair[slot].piece == piece) {
            trainer->pair[slot].count++;
            return;
        }
    }
}

/* Cuts the sample into pieces; counts them and pairs of neighbours; returns the number of pieces. */
static uint32_t cut(struct neap__frozen_trainer *trainer, const struct neap__frozen_alphabet *alphabet,
                    const struct neap__frozen_sample *sample) {
    uint32_t total = 1;
    neap__frozen_index_fill(&trainer->index, alphabet);
    memset(trainer->weight, 0, sizeof(trainer->weight));
    memset(trainer->pair, 0, sizeof(trainer->pair));
    for (size_t at = 0; at < sample->bytes; at += sample->data[at] + 1u) {
        const uint8_t *text = sample->data + at + 1, *end = text + sample->data[at];
        const bool ends = sample->data[at] < FROZEN_SAMPLE_TEXT_MAX;
        int before = -1;
        while (text < end || (ends && (before < 0 || !frozen_piece_ends(alphabet->piece[before])))) {
            const unsigned i =
                neap__frozen_index_find(&trainer->index, alphabet, text, (size_t)(end - text), ends);
            text += frozen_piece_bytes(alphabet->piece[i]);
            trainer->weight[i]++;
            total++;
            if (before >= 0)
                count_pair(trainer, alphabet->piece[before], alphabet->piece[i]);
            before = (int)i;
        }
    }
    return total;
}

/* The total saving of a piece that occurs that often, in 1/16 bits; 0 if it saves nothing. */
static uint32_t saving(const struct neap__frozen_trainer *trainer, frozen_piece_t piece, uint32_t count,
                       uint32_t total, unsigned share) {
    const unsigned bytes = frozen_piece_bytes(piece), parts = bytes + frozen_piece_ends(piece);
    const uint64_t kept = (UINT64_C(8) * bytes + 12) * COST_UNIT; /* bits to store the piece */
    uint64_t apart = frozen_piece_ends(piece) ? trainer->byte_cost[END] : 0;
    for (unsigned i = 0; i < bytes; i++)
        apart += trainer->byte_cost[piece >> (8 * i) & 0xff];
    apart += (uint64_t)(parts - 1) * READ_COST;
    if (count < 2)
        return 0;
    const uint64_t together = log2_16(total) - log2_16(count);
    if (apart <= together || (apart - together) * count * share <= kept)
        return 0;
    const uint64_t score = (apart - together) * count;
    return score > UINT32_MAX ? UINT32_MAX : (uint32_t)score;
}

static bool is_better(const struct neap__frozen_trainer *trainer, uint16_t a, uint16_t b) {
    const struct neap__frozen_candidate *x = &trainer->candidate[a], *y = &trainer->candidate[b];
    return x->score != y->score ? x->score > y->score : x->piece > y->piece;
}

/* Makes a heap with the best first, and takes the best `wanted` from it. */
static void sift(struct neap__frozen_trainer *trainer, unsigned root, unsigned count) {
    for (unsigned child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && is_better(trainer, trainer->order[child + 1], trainer->order[child]))
            child++;
        if (!is_better(trainer, trainer->order[child], trainer->order[root]))
            return;
        const uint16_t other = trainer->order[root];
        trainer->order[root] = trainer->order[child];
        trainer->order[child] = other;
    }
}

static unsigned singles(struct neap__frozen_alphabet *alphabet, const struct neap__frozen_sample *sample) {
    alphabet->count = 0;
    alphabet->piece[alphabet->count++] = frozen_piece(NULL, 0, true);
    for (unsigned i = 0; i < 256; i++) {
        const uint8_t byte = (uint8_t)i;
        if (sample->occurs[i])
            alphabet->piece[alphabet->count++] = frozen_piece(&byte, 1, false);
    }
    return alphabet->count;
}

/* Makes the next alphabet from the single bytes and the best pieces and pairs. */
static void choose(struct neap__frozen_trainer *trainer, struct neap__frozen_alphabet *alphabet,
                   const struct neap__frozen_sample *sample, uint32_t total) {
    unsigned count = 0;
    for (unsigned i = 0; i < alphabet->count + FROZEN_PAIR_SLOTS; i++) {
        const bool is_pair = i >= alphabet->count;
        const struct neap__frozen_pair *pair = is_pair ? &trainer->pair[i - alphabet->count] : NULL;
        const frozen_piece_t piece = is_pair ? pair->piece : alphabet->piece[i];
        const uint32_t seen = is_pair ? pair->count : trainer->weight[i];
        if (frozen_piece_bytes(piece) + frozen_piece_ends(piece) < 2 ||
            (is_pair && look_up(&trainer->index, alphabet, piece) >= 0))
            continue;
        const uint32_t score = saving(trainer, piece, seen, total, sample->share);
        if (score == 0)
            continue;
        trainer->candidate[count] = (struct neap__frozen_candidate){piece, score};
        trainer->order[count] = (uint16_t)count;
        count++;
    }
    for (unsigned i = count / 2; i-- > 0;)
        sift(trainer, i, count);
    for (unsigned at = singles(alphabet, sample); at < FROZEN_PIECES_MAX && count > 0; at++) {
        alphabet->piece[alphabet->count++] = trainer->candidate[trainer->order[0]].piece;
        trainer->order[0] = trainer->order[--count];
        sift(trainer, 0, count);
    }
}

/* Removes pieces that are not used, because each takes bytes in the file. */
static void drop_unused(struct neap__frozen_trainer *trainer, struct neap__frozen_alphabet *alphabet) {
    unsigned kept = 0;
    for (unsigned i = 0; i < alphabet->count; i++) {
        const frozen_piece_t piece = alphabet->piece[i];
        const bool is_single = frozen_piece_bytes(piece) + frozen_piece_ends(piece) < 2;
        if (!is_single && trainer->weight[i] < 2)
            continue;
        alphabet->piece[kept] = piece;
        trainer->weight[kept++] = trainer->weight[i];
    }
    alphabet->count = kept;
}

void neap__frozen_alphabet_learn(struct neap__frozen_alphabet *alphabet, struct neap__frozen_trainer *trainer,
                                 const struct neap__frozen_sample *sample) {
    uint32_t steps[FROZEN_STEPS];
    singles(alphabet, sample);
    cost_bytes(trainer, sample);
    for (unsigned generation = 0; generation < GENERATIONS; generation++)
        choose(trainer, alphabet, sample, cut(trainer, alphabet, sample));
    cut(trainer, alphabet, sample);
    drop_unused(trainer, alphabet);
    cut(trainer, alphabet, sample);
    for (unsigned i = 0; i < alphabet->count; i++)
        trainer->weight[i] += trainer->weight[i] == 0; /* it may occur outside of the sample */
    for (unsigned i = 0; i < FROZEN_STEPS; i++)
        steps[i] = sample->steps[i] + 1;
    neap__frozen_code_lengths(trainer->weight, alphabet->count, FROZEN_CODE_BITS_MAX, alphabet->piece_bits);
    neap__frozen_code_lengths(steps, FROZEN_STEPS, FROZEN_STEP_BITS_MAX, alphabet->step_bits);
    const bool finished = neap__frozen_alphabet_finish(alphabet);
    assert(finished);
    (void)finished;
}
