/* advice/advice.h: the largest containers, and how much memory their contents would take elsewhere.
 *
 *     list of floats or ints               ->  array.array; of 0 and 1, neap.Bits
 *     set of ints, strs, bytes             ->  array.array, neap.Bits, Map, Trie, FrozenTrie
 *     dict of str, bytes or int to simple  ->  neap.Map, Trie, FrozenTrie; SQLite, Redis
 *     dicts in dicts, nodes with children  ->  neap.Trie, FrozenTrie
 *     instances with a dict                ->  instances with __slots__
 *     many equal strings                   ->  one of each (sys.intern)
 *
 * The present size is the sum of sys.getsizeof of the container and of those of its items to
 * which nothing else refers; other items would stay. Sizes of alternatives are computed from
 * the actual contents, by formulas (advice/size_estimate.h) or by filling real containers
 * (advice/size_measured.h).
 *
 * The work is linear in the memory of the process: each of the four analyses may read a few times as many
 * bytes as are resident. A sound process needs less; one whose containers lie over each other, or say
 * they do, needs any number. What an analysis left out, for that or for lack of memory, is told. One thread.
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
    bool unmade; /* there was too little memory to fill one; bytes is 0 */
};

struct neap_advice {
    uint8_t kind;         /* enum neap_advice_kind */
    char lead[16];        /* description, the words before the number of items: "dict of" */
    char tail[200];       /* the words after it: "str to int" */
    uint32_t owner_path;  /* NEAP_OWNER_PATH_NONE: there are several owners */
    uint64_t items;       /* of the container; or number of instances, strings, entries of a trie */
    uint64_t own_bytes;   /* the container and its table; or all instances, strings, nodes */
    uint64_t key_bytes;   /* keys to which only the container refers */
    uint64_t value_bytes; /* values or items to which only it refers; or the dicts of instances */
    uint64_t now_bytes;   /* sum of these three */
    unsigned option_count;
    struct neap_advice_option options[NEAP_ADVICE_OPTIONS];
};

enum neap_advice_part {
    NEAP_ADVICE_PART_CONTAINERS,
    NEAP_ADVICE_PART_CLASSES,
    NEAP_ADVICE_PART_STRINGS,
    NEAP_ADVICE_PART_TRIES,
    NEAP_ADVICE_PARTS
};

/* What an analysis left out. */
struct neap_advice_gap {
    uint64_t overlaps;  /* containers that show a table of another one */
    bool out_of_budget; /* it read as many bytes as it may, and ended */
    bool out_of_memory; /* there was too little memory for all of it */
};

struct neap_advices {
    struct neap_advice *list; /* the one that can save the most first */
    size_t count;
    struct neap_advice_gap gaps[NEAP_ADVICE_PARTS];
};

/* Examines the `most` largest containers, and all classes and strings. NEAP_ERROR_MEMORY if not even a list
 * of them can be had. */
int neap_advice_find(const neap_referrers_t *referrers, neap_owner_paths_t *paths, size_t most,
                     struct neap_advices *advices);
void neap_advice_clear(struct neap_advices *advices);

/* Bytes that the best option saves. */
uint64_t neap_advice_saving(const struct neap_advice *advice);

#endif
