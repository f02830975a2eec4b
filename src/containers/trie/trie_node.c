/* containers/trie/trie_node.c: makes nodes. */
#include "containers/trie/trie_node.h"

/* Bytes that a search may read behind the letters. */
enum { NODE_READ_BYTES = 16 };

void neap__trie_node_draft(const struct neap__trie_node *node, struct neap__trie_draft *draft) {
    draft->prefix = trie_node_prefix(node);
    draft->count = node->count;
    memcpy(draft->child, trie_node_children(node), node->count * sizeof(trie_child_t));
    memcpy(draft->letter + 1, node->letters, node->count - 1u);
}

void neap__trie_draft_insert(struct neap__trie_draft *draft, unsigned at, uint8_t letter,
                             trie_child_t child) {
    assert(at >= 1 && at <= draft->count && draft->count < TRIE_CHILDREN_MAX + 2);
    memmove(draft->child + at + 1, draft->child + at, (draft->count - at) * sizeof(trie_child_t));
    memmove(draft->letter + at + 1, draft->letter + at, draft->count - at);
    draft->child[at] = child;
    draft->letter[at] = letter;
    draft->count++;
}

void neap__trie_draft_remove(struct neap__trie_draft *draft, unsigned at) {
    assert(at < draft->count);
    draft->count--;
    memmove(draft->child + at, draft->child + at + 1, (draft->count - at) * sizeof(trie_child_t));
    memmove(draft->letter + at, draft->letter + at + 1, draft->count - at);
}

struct neap__trie_node *neap__trie_node_make(const struct neap__trie_shape *shape,
                                             const struct neap__trie_draft *draft) {
    assert(draft->count >= 1 && draft->count <= TRIE_CHILDREN_MAX);
    const size_t letters_end = offsetof(struct neap__trie_node, letters) +
                               neap_word_round_up_size(draft->count - 1, NODE_READ_BYTES);
    size_t room =
        trie_node_children_at(draft->count) + draft->count * sizeof(trie_child_t) + draft->prefix.bytes;
    room = neap_word_round_up_size(room > letters_end ? room : letters_end, 16);
    struct neap__trie_node *node = neap__trie_memory_block(shape->memory, room);
    if (!node)
        return NULL;
    node->room_bytes = (uint32_t)room;
    node->prefix_bytes = (uint32_t)draft->prefix.bytes;
    node->count = (uint16_t)draft->count;
    memcpy(node->letters, draft->letter + 1, draft->count - 1);
    memcpy(trie_node_children(node), draft->child, draft->count * sizeof(trie_child_t));
    if (draft->prefix.bytes > 0)
        memcpy(trie_node_children(node) + draft->count, draft->prefix.data, draft->prefix.bytes);
    return node;
}

void neap__trie_node_free(const struct neap__trie_shape *shape, struct neap__trie_node *node) {
    neap__trie_memory_block_free(shape->memory, node, node->room_bytes);
}
