/* containers/frozen/frozen_code.c: makes codes from their lengths. */
#include "containers/frozen/frozen_code.h"

#include <assert.h>

static uint16_t reversed(unsigned code, unsigned bits) {
    unsigned result = 0;
    for (unsigned i = 0; i < bits; i++)
        result |= (code >> i & 1) << (bits - 1 - i);
    return (uint16_t)result;
}

/* Makes canonical codes: shorter ones first, those of equal length by symbol. Fills codes and the table
 * for the next `bits_max` bits; false if the lengths claim more codes than exist. */
static bool code_finish(const uint8_t *lengths, unsigned count, unsigned bits_max, uint16_t *codes,
                        uint16_t *table) {
    unsigned next = 0;
    memset(table, 0, sizeof(*table) << bits_max);
    for (unsigned bits = 1; bits <= bits_max; bits++) {
        for (unsigned symbol = 0; symbol < count; symbol++) {
            if (lengths[symbol] != bits)
                continue;
            if (next >= 1u << bits)
                return false;
            codes[symbol] = reversed(next++, bits);
            for (unsigned i = codes[symbol]; i < 1u << bits_max; i += 1u << bits)
                table[i] = (uint16_t)(symbol << 4 | bits);
        }
        next <<= 1;
    }
    return true;
}

bool neap__frozen_alphabet_finish(struct neap__frozen_alphabet *alphabet) {
    return code_finish(alphabet->piece_bits, alphabet->count, FROZEN_CODE_BITS_MAX, alphabet->piece_code,
                       alphabet->piece_table) &&
           code_finish(alphabet->step_bits, FROZEN_STEPS, FROZEN_STEP_BITS_MAX, alphabet->step_code,
                       alphabet->step_table);
}

/*     count, 2 bytes | bits of each step | for each piece: bits | length, ends | text     */

size_t neap__frozen_alphabet_store(const struct neap__frozen_alphabet *alphabet, uint8_t *data) {
    uint8_t *at = data;
    *at++ = (uint8_t)(alphabet->count & 0xff);
    *at++ = (uint8_t)(alphabet->count >> 8);
    for (unsigned i = 0; i < FROZEN_STEPS; i++)
        *at++ = alphabet->step_bits[i];
    for (unsigned i = 0; i < alphabet->count; i++) {
        const frozen_piece_t piece = alphabet->piece[i];
        *at++ = (uint8_t)((unsigned)alphabet->piece_bits[i] << 4 | frozen_piece_bytes(piece) << 1 |
                          frozen_piece_ends(piece));
        for (unsigned j = 0; j < frozen_piece_bytes(piece); j++)
            *at++ = (uint8_t)(piece >> (8 * j));
    }
    return (size_t)(at - data);
}

bool neap__frozen_alphabet_load(struct neap__frozen_alphabet *alphabet, const uint8_t *data, size_t bytes) {
    const uint8_t *at = data, *end = data + bytes;
    if (bytes < 2 + FROZEN_STEPS)
        return false;
    alphabet->count = (unsigned)(at[0] | at[1] << 8);
    at += 2;
    for (unsigned i = 0; i < FROZEN_STEPS; i++, at++) {
        alphabet->step_bits[i] = *at;
        if (*at > FROZEN_STEP_BITS_MAX)
            return false;
    }
    if (alphabet->count > FROZEN_PIECES_MAX)
        return false;
    for (unsigned i = 0; i < alphabet->count; i++) {
        if (at == end)
            return false;
        const unsigned first = *at++, length = first >> 1 & 7;
        if ((size_t)(end - at) < length || first >> 4 > FROZEN_CODE_BITS_MAX)
            return false;
        alphabet->piece_bits[i] = (uint8_t)(first >> 4);
        alphabet->piece[i] = frozen_piece(at, length, first & 1);
        at += length;
    }
    return neap__frozen_alphabet_finish(alphabet);
}

/* --- Huffman's code --------------------------------------------------------- */

struct tree {
    uint32_t weight[2 * FROZEN_PIECES_MAX];
    uint16_t parent[2 * FROZEN_PIECES_MAX];
    uint16_t order[FROZEN_PIECES_MAX]; /* symbols, lightest first */
};

/* Heapsort by weight: in place, and without a slow worst case. */
static void sift(uint16_t *order, const uint32_t *weights, unsigned root, unsigned count) {
    for (unsigned child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && weights[order[child + 1]] > weights[order[child]])
            child++;
        if (weights[order[child]] <= weights[order[root]])
            return;
        const uint16_t symbol = order[root];
        order[root] = order[child];
        order[child] = symbol;
    }
}

static void sort(uint16_t *order, const uint32_t *weights, unsigned count) {
    for (unsigned i = count / 2; i-- > 0;)
        sift(order, weights, i, count);
    for (unsigned last = count; last-- > 1;) {
        const uint16_t symbol = order[0];
        order[0] = order[last];
        order[last] = symbol;
        sift(order, weights, 0, last);
    }
}

/* Builds Huffman's tree; returns the longest code. Leaves are sorted by weight, and inner nodes are made in
 * order of weight. So the two lightest are always at the heads of these two lists. */
static unsigned tree_lengths(struct tree *tree, unsigned used, uint8_t *lengths) {
    unsigned leaf = 0, inner = used, depth_max = 0;
    for (unsigned made = used; made < 2 * used - 1; made++) {
        tree->weight[made] = 0;
        for (int side = 0; side < 2; side++) {
            const bool takes_leaf =
                leaf < used && (inner == made || tree->weight[leaf] <= tree->weight[inner]);
            const unsigned child = takes_leaf ? leaf++ : inner++;
            tree->weight[made] += tree->weight[child];
            tree->parent[child] = (uint16_t)made;
        }
    }
    uint16_t *depth = tree->parent; /* the parent of a node is always behind it, so go from the root down */
    depth[2 * used - 2] = 0;
    for (unsigned i = 2 * used - 2; i-- > 0;)
        depth[i] = (uint16_t)(depth[tree->parent[i]] + 1);
    for (unsigned i = 0; i < used; i++) {
        lengths[tree->order[i]] = (uint8_t)(depth[i] < UINT8_MAX ? depth[i] : UINT8_MAX);
        depth_max = depth[i] > depth_max ? depth[i] : depth_max;
    }
    return depth_max;
}

void neap__frozen_code_lengths(const uint32_t *weights, unsigned count, unsigned bits_max, uint8_t *lengths) {
    struct tree tree;
    unsigned used = 0;
    assert(count >= 1 && count <= FROZEN_PIECES_MAX && count <= 1u << bits_max);
    memset(lengths, 0, count);
    for (unsigned i = 0; i < count; i++)
        if (weights[i] > 0)
            tree.order[used++] = (uint16_t)i;
    if (used == 1)
        lengths[tree.order[0]] = 1;
    if (used <= 1)
        return;
    sort(tree.order, weights, used);
    /* If a code is too long, make the weights more equal, and try again. */
    for (unsigned shift = 0;; shift++) {
        for (unsigned i = 0; i < used; i++)
            tree.weight[i] = (weights[tree.order[i]] >> shift) + 1;
        if (tree_lengths(&tree, used, lengths) <= bits_max)
            return;
    }
}
