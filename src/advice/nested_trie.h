/* advice/nested_trie.h: recognises and reads tries that a program has built from nodes.
 *
 *     {"d": {"a": {"r": {"t": {"$": 1}}, "n": ...}}}        dicts in dicts
 *     Node.children["d"] -> Node.children["a"] -> ...       or instances with a dict of children
 *
 *     entries: "dart" 1, "dan..." ...
 *
 * A node is a dict whose keys are texts of at most NEAP_NESTED_TRIE_KEY_CHARACTERS, or an
 * instance with one dict of children of its own class. Everything else in a node is a simple
 * value (advice/simple_value.h). A simple value in a dict is an entry: its key is the path to the
 * node and the key in the dict or, if all such values have the same key ("$", None), only the
 * path. True and an empty dict mean a key without a value; False and None in an instance mean
 * no entry. One thread.
 */
#ifndef NEAP_ADVICE_NESTED_TRIE_H
#define NEAP_ADVICE_NESTED_TRIE_H

#include "advice/advice_state.h"

enum { NEAP_NESTED_TRIE_KEY_CHARACTERS = 4 };

struct neap__nested_tries {
    uint32_t *nodes;    /* by ordinal: number of nodes below this one, with itself; 0: not a node */
    uint64_t *children; /* one bit per ordinal: it is the child of a node */
    uint64_t *names;    /* one bit per ordinal: a dict of an object's attributes, which is not a node */
};

/* Finds all nodes. False if there is no memory. The caller clears `tries` in any case. */
bool neap__nested_tries_find(struct neap__advice_search *search, struct neap__nested_tries *tries);
void neap__nested_tries_clear(struct neap__nested_tries *tries);

enum neap__nested_trie_role {
    NEAP_NESTED_TRIE_NODE,
    NEAP_NESTED_TRIE_KEY,
    NEAP_NESTED_TRIE_VALUE,
    NEAP_NESTED_TRIE_EMPTY
};

/* One object on a walk through a trie, from the top down. */
struct neap__nested_trie_step {
    enum neap__nested_trie_role role;
    struct neap_py_object object; /* for EMPTY, the dict, which was visited as a node before */
    uint64_t key;                 /* for a VALUE in a dict, the object that is its key; else 0 */
    const unsigned char *way;     /* the letters from the top to the node that contains the object */
    size_t way_bytes, last_bytes; /* length of `way`; the part of it that the last node added */
};

enum { NEAP_NESTED_TRIE_WAY_MAX = 4096 };

/* Calls `visit` for each object until it returns false. A node with several parents is visited once for
 * each. Returns false if `visit` did, if memory ran out, or if a way is longer than
 * NEAP_NESTED_TRIE_WAY_MAX. */
bool neap__nested_trie_walk(struct neap__advice_search *search, const struct neap__nested_tries *tries,
                            uint32_t top,
                            bool (*visit)(void *context, const struct neap__nested_trie_step *step),
                            void *context);

#endif
