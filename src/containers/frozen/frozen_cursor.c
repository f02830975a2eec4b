/* containers/frozen/frozen_cursor.c: walks over the entries of a frozen trie, and verifies it. */
#include "containers/frozen/frozen_model.h"

struct neap_frozen_cursor {
    struct neap__container_memory memory;
    const neap_frozen_trie_t *trie;
    uint64_t next, last; /* ranks */
    unsigned index;      /* of the next entry in its leaf; the leaf is open if this is not 0 */
    struct neap__frozen_leaf leaf;
    uint8_t *key; /* the common prefix, and the key before the next one */
    size_t key_bytes, key_room;
};

/* Moves to the next entry; false if the leaf is damaged. */
static bool advance(neap_frozen_cursor_t *cursor) {
    const neap_frozen_trie_t *trie = cursor->trie;
    const size_t common = (size_t)trie->head.common_bytes;
    struct neap__frozen_leaf *leaf = &cursor->leaf;
    size_t keeps;
    if (cursor->index == 0) {
        if (!neap__frozen_leaf_open(trie, cursor->next / FROZEN_LEAF_ENTRIES, leaf) ||
            leaf->first.bytes > cursor->key_room - common)
            return false;
        memcpy(cursor->key + common, leaf->first.data, leaf->first.bytes);
        cursor->key_bytes = common + leaf->first.bytes;
    } else {
        frozen_piece_t piece;
        if (!frozen_bits_step(&leaf->bits, &trie->alphabet, &keeps))
            return false;
        keeps += leaf->base;
        if (cursor->index % FROZEN_RESTART_ENTRIES == 0) {
            if (keeps > leaf->first.bytes)
                return false;
            memcpy(cursor->key + common, leaf->first.data, keeps);
        } else if (keeps > cursor->key_bytes - common) {
            return false;
        }
        keeps += common;
        cursor->key_bytes = keeps;
        do {
            if (!frozen_bits_piece(&leaf->bits, &trie->alphabet, &piece))
                return false;
            const unsigned bytes = frozen_piece_bytes(piece);
            if (bytes > cursor->key_room - cursor->key_bytes)
                return false;
            frozen_piece_t text = piece;
            for (unsigned i = 0; i < bytes; i++, text >>= 8)
                cursor->key[cursor->key_bytes + i] = (uint8_t)text;
            cursor->key_bytes += bytes;
        } while (!frozen_piece_ends(piece));
    }
    cursor->next++;
    cursor->index = cursor->index + 1 == leaf->count ? 0 : cursor->index + 1;
    return true;
}

neap_frozen_cursor_t *neap_frozen_cursor_new(const neap_frozen_trie_t *trie,
                                             const struct neap_trie_range *range) {
    neap_frozen_cursor_t *cursor = neap__container_memory_new(NULL, sizeof(*cursor));
    if (!cursor)
        return NULL;
    cursor->trie = trie;
    cursor->key_room = (size_t)trie->head.key_bytes_max;
    cursor->key = NEAP_ALLOC(&cursor->memory, cursor->key_room + TRIE_INTEGER_BYTES);
    uint64_t first = 0;
    int error = !cursor->key ? NEAP_ERROR_MEMORY : neap__frozen_range(trie, range, &first, &cursor->last);
    if (error == NEAP_ERROR_FORMAT) /* the first call of _next returns it */
        cursor->last = trie->head.count;
    else if (error < 0) {
        neap_frozen_cursor_destroy(cursor);
        return NULL;
    }
    if (trie->head.common_bytes > 0)
        memcpy(cursor->key, trie->body, (size_t)trie->head.common_bytes);
    cursor->next = first - first % FROZEN_LEAF_ENTRIES;
    while (error == 0 && cursor->next < first)
        if (!advance(cursor))
            error = NEAP_ERROR_FORMAT;
    if (error < 0)
        cursor->key_room = 0; /* so that the next key does not fit */
    return cursor;
}

void neap_frozen_cursor_destroy(neap_frozen_cursor_t *cursor) {
    if (cursor)
        neap__container_memory_end(cursor, sizeof(*cursor));
}

int neap_frozen_cursor_next(neap_frozen_cursor_t *cursor, union neap_item *key, union neap_item *value) {
    const neap_frozen_trie_t *trie = cursor->trie;
    if (cursor->next >= cursor->last)
        return 0;
    const unsigned index = cursor->index;
    if (cursor->key_room == 0 && trie->head.key_bytes_max > 0)
        return NEAP_ERROR_FORMAT;
    const bool sound = advance(cursor);
    union neap_item found = {.u = 0};
    if (sound && value)
        found = neap__frozen_leaf_value(trie, &cursor->leaf, index);
    if (!sound || frozen_is_cut(trie)) {
        neap__frozen_damage(trie);
        cursor->key_room = 0;
        return NEAP_ERROR_FORMAT;
    }
    if (key)
        *key = neap__trie_key_decode((enum neap_kind)trie->head.key,
                                     (struct neap__trie_text){cursor->key, cursor->key_bytes});
    if (value)
        *value = found;
    return 1;
}

bool neap_frozen_trie_check(const neap_frozen_trie_t *trie, const char **why) {
    *why = "the file's checksum is another";
    if (trie->file.data && neap__container_file_verify(&trie->file) < 0)
        return false;
    *why = "there is no memory to check with";
    neap_frozen_cursor_t *cursor = neap_frozen_cursor_new(trie, NULL);
    if (!cursor)
        return false;
    union neap_item key, value;
    uint64_t rank = 0, found = 0;
    int more;
    *why = "a leaf is damaged";
    while ((more = neap_frozen_cursor_next(cursor, &key, &value)) > 0) {
        uint8_t place[TRIE_INTEGER_BYTES];
        struct neap__trie_text text;
        if (!neap__trie_key_encode((enum neap_kind)trie->head.key, key, place, &text) ||
            !neap__frozen_rank(trie, text, &found) || found != rank ||
            !neap_frozen_trie_get(trie, key, &value)) {
            *why = "a key is not found where it is";
            break;
        }
        rank++;
    }
    neap_frozen_cursor_destroy(cursor);
    return more == 0 && rank == trie->head.count;
}
