/* advice/nested_trie.h: tries that a program has made of nodes, recognised and read.
 *
 *     {"d": {"a": {"r": {"t": {"$": 1}}, "n": ...}}}        dicts in dicts
 *     Node.children["d"] -> Node.children["a"] -> ...       or instances with a dict of children
 *
 *     entries: "dart" 1, "dan..." ...
 *
 * A node is a dict whose keys are texts of at most NEAP_NESTED_TRIE_KEY_CHARACTERS, or an
 * instance with one dict of children of its own class; whatever else is in it is simple
 * (advice/simple_value.h). A simple thing in a dict belongs to the way there and its own key, or,
 * if all of them have the same key ("$", None), to the way there. True and an empty dict
 * stand for a member without a value, False and None in an instance for no entry. One thread.
 */
#ifndef NEAP_ADVICE_NESTED_TRIE_H
#define NEAP_ADVICE_NESTED_TRIE_H

#include "advice/advice_state.h"

enum { NEAP_NESTED_TRIE_KEY_CHARACTERS = 4 };

struct neap__nested_tries {
    uint32_t *nodes;    /* by ordinal: the nodes from this one down, itself included; 0: it is none */
    uint64_t *children; /* a bit by ordinal: some node is above it */
    uint64_t *names;    /* likewise: a dict of an object's attributes, which is no node */
};

/* Finds all nodes. False without memory. To be cleared in any case. */
bool neap__nested_tries_find(struct neap__advice_search *search, struct neap__nested_tries *tries);
void neap__nested_tries_clear(struct neap__nested_tries *tries);

enum neap__nested_trie_role {
    NEAP_NESTED_TRIE_NODE,
    NEAP_NESTED_TRIE_KEY,
    NEAP_NESTED_TRIE_VALUE,
    NEAP_NESTED_TRIE_EMPTY
};

/* One thing met on a walk through a trie, from the top down. */
struct neap__nested_trie_step {
    enum neap__nested_trie_role role;
    struct neap_py_object object; /* of EMPTY: the dict, which was told as a node before */
    uint64_t key;                 /* of a VALUE in a dict: the object that is its key; else 0 */
    const unsigned char *way;     /* from the top to the node that it lies in */
    size_t way_bytes, last_bytes; /* of it; of these, from the node above */
};

enum { NEAP_NESTED_TRIE_WAY_MAX = 4096 };

/* Calls `visit` for each until it returns false; a node that several are above of is told again and again.
 * False if it did, if memory ran out, or a way is longer than NEAP_NESTED_TRIE_WAY_MAX. */
bool neap__nested_trie_walk(struct neap__advice_search *search, const struct neap__nested_tries *tries,
                            uint32_t top,
                            bool (*visit)(void *context, const struct neap__nested_trie_step *step),
                            void *context);

#endif
