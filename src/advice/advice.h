/* advice/advice.h: the largest holders of memory, and what their contents would take elsewhere.
 *
 *     list of floats or ints               ->  array.array; of 0 and 1, neap.Bits
 *     set of ints, strs, bytes             ->  array.array, neap.Bits, Map, Trie, FrozenTrie
 *     dict of str, bytes or int to simple  ->  neap.Map, Trie, FrozenTrie; SQLite, Redis
 *     dicts in dicts, nodes with children  ->  neap.Trie, FrozenTrie
 *     instances with a dict                ->  instances with __slots__
 *     equal strings, many times            ->  one each (sys.intern)
 *
 * Sizes are what sys.getsizeof tells, added up: the container, and of its items those
 * that nothing else refers to, each once. What else holds them would stay. Alternatives
 * are computed from the very contents: by formulas (advice/size_estimate.h), or by putting
 * them into the container (advice/size_measured.h). One thread.
 */
#ifndef NEAP_ADVICE_ADVICE_H
#define NEAP_ADVICE_ADVICE_H

#include "inspect/objects/owner_path.h"

enum neap_advice_kind {
    NEAP_ADVICE_LIST,
    NEAP_ADVICE_SET,
    NEAP_ADVICE_DICT,
    NEAP_ADVICE_CLASS,
    NEAP_ADVICE_STRINGS,
    NEAP_ADVICE_NESTED_TRIE
};

enum { NEAP_ADVICE_OPTIONS = 8, NEAP_ADVICE_ITEMS_LEAST = 1000 };

struct neap_advice_option {
    char name[48]; /* "array.array('d')" */
    uint64_t bytes;
};

struct neap_advice {
    uint8_t kind;         /* enum neap_advice_kind */
    char lead[16];        /* what it is, in words before the number of items: "dict of" */
    char tail[200];       /* and behind it: "str to int" */
    uint32_t owner_path;  /* NEAP_OWNER_PATH_NONE: no single one */
    uint64_t items;       /* of the container; instances; strings; entries of a trie */
    uint64_t own_bytes;   /* the container and its table; instances; all the strings; all nodes */
    uint64_t key_bytes;   /* keys that only it holds */
    uint64_t value_bytes; /* values, or items, likewise; dicts of instances */
    uint64_t now_bytes;   /* the three */
    unsigned option_count;
    struct neap_advice_option options[NEAP_ADVICE_OPTIONS];
};

struct neap_advices {
    struct neap_advice *list; /* the one with the most to save first */
    size_t count;
};

/* Looks at the `most` largest containers, and at all classes and strings. NEAP_ERROR_MEMORY. */
int neap_advice_find(const neap_referrers_t *referrers, neap_owner_paths_t *paths, size_t most,
                     struct neap_advices *advices);
void neap_advice_clear(struct neap_advices *advices);

/* Bytes that the best option saves. */
uint64_t neap_advice_saving(const struct neap_advice *advice);

#endif
