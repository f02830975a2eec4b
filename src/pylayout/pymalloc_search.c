/* pylayout/pymalloc_search.c: finds usedpools[] by its pattern and arenas[] by what it must contain. */
#include "pylayout/pymalloc_search.h"

#include "base/word.h"
#include "pylayout/reading.h"

enum {
    PAIR_BYTES = 2 * NEAP_PY_WORD,
    CHUNK_BYTES = 1 << 16, /* read at once */
    VECTOR_FIRST = 16,     /* INITIAL_ARENA_OBJECTS: doubled as needed */
    VECTOR_FIRST_BYTES = VECTOR_FIRST * NEAP_PY_ARENA_ENTRY,
    VECTOR_MOST = 1 << 22,   /* entries: 4 TiB of arenas */
    ARENA_TIMES = 16,        /* largest arena, in arenas of the version's size */
    WITNESSES = 8,           /* pools that a vector must lead to */
    STATICS_MOST = 64 << 20, /* bytes of one range that are searched for the static pointer */
};

bool neap__pymalloc_covered(const struct neap__pymalloc_search *search, uint64_t start, uint64_t bytes) {
    size_t low = 0, high = search->range_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (search->ranges[middle].end <= start)
            low = middle + 1;
        else
            high = middle;
    }
    /* The kernel reports neighbouring mappings separately that are one range to the program. */
    uint64_t at = start;
    for (; low < search->range_count && search->ranges[low].start <= at && *search->left > 0; low++) {
        if (search->ranges[low].end - start >= bytes)
            return true;
        --*search->left;
        at = search->ranges[low].end;
    }
    return false;
}

/* --- usedpools ----------------------------------------------------------- */

static bool may_be_pool(const struct neap__pymalloc_search *search, uint64_t word) {
    return word != 0 && word % (uint64_t)search->version->pool_bytes == 0;
}

/* Whether the two words can be a pair at `address`. It is cheap, because it is called for all memory
 * searched. */
static bool may_be_pair(const struct neap__pymalloc_search *search, uint64_t address, uint64_t first,
                        uint64_t second) {
    if (first == address - PAIR_BYTES)
        return second == first;
    return may_be_pool(search, first) && may_be_pool(search, second);
}

static bool pool_is_of_class(const struct neap__pymalloc_search *search, uint64_t pool, size_t size_class) {
    unsigned char scratch[NEAP_PY_POOL_HEADER];
    if (!neap__pymalloc_covered(search, pool, (uint64_t)search->version->pool_bytes))
        return false;
    const void *head = neap_memory_at(search->memory, pool, scratch, sizeof(scratch));
    return head && neap__py_u32(head, 36) == size_class && neap__py_u32(head, 0) != 0;
}

/* Whether a whole table lies at `address`. */
static bool is_table(const struct neap__pymalloc_search *search, uint64_t address) {
    unsigned char scratch[NEAP__PYMALLOC_TABLE_BYTES];
    const void *table = neap_memory_at(search->memory, address, scratch, sizeof(scratch));
    for (size_t k = 0; table && k < NEAP_PYMALLOC_CLASSES; k++)
        if (!may_be_pair(search, address + k * PAIR_BYTES, neap__py_u64(table, k * PAIR_BYTES),
                         neap__py_u64(table, k * PAIR_BYTES + NEAP_PY_WORD)))
            return false;
    for (size_t k = 0; table && k < NEAP_PYMALLOC_CLASSES; k++) {
        uint64_t first = neap__py_u64(table, k * PAIR_BYTES);
        uint64_t last = neap__py_u64(table, k * PAIR_BYTES + NEAP_PY_WORD);
        if (first != address + k * PAIR_BYTES - PAIR_BYTES &&
            (!pool_is_of_class(search, first, k) || !pool_is_of_class(search, last, k)))
            return false;
    }
    return table != NULL;
}

/* Finds the table of which one pair is at `pair`. */
static bool table_around(const struct neap__pymalloc_search *search, uint64_t pair, uint64_t *address) {
    for (size_t k = 0; k < NEAP_PYMALLOC_CLASSES && pair >= k * PAIR_BYTES; k++)
        if (is_table(search, pair - k * PAIR_BYTES)) {
            *address = pair - k * PAIR_BYTES;
            return true;
        }
    return false;
}

/* A table has so many pairs that it suffices to test every 31st pair of words. */
bool neap__pymalloc_used_pools(const struct neap__pymalloc_search *search, uint64_t start, uint64_t end,
                               uint64_t *address) {
    enum { STEP = NEAP__PYMALLOC_TABLE_BYTES - PAIR_BYTES, LOOK = 3 * NEAP_PY_WORD };
    unsigned char scratch[CHUNK_BYTES];
    uint64_t at = neap_word_round_up(start, NEAP_PY_WORD);
    while (at < end && end - at >= LOOK) {
        uint64_t bytes = end - at < CHUNK_BYTES ? end - at : CHUNK_BYTES;
        const unsigned char *chunk = neap_memory_at(search->memory, at, scratch, (size_t)bytes);
        uint64_t offset = 0;
        for (; chunk && offset + LOOK <= bytes; offset += STEP) {
            uint64_t here = at + offset, words[3];
            memcpy(words, chunk + offset, sizeof(words));
            if (NEAP_LIKELY(words[1] == 0))
                continue;
            if ((may_be_pair(search, here, words[0], words[1]) && table_around(search, here, address)) ||
                (may_be_pair(search, here + NEAP_PY_WORD, words[1], words[2]) &&
                 table_around(search, here + NEAP_PY_WORD, address)))
                return true;
        }
        at += chunk ? offset : bytes;
    }
    return false;
}

/* --- arenas -------------------------------------------------------------- */

static void entry_decode(const unsigned char *bytes, struct neap__pymalloc_entry *entry) {
    *entry = (struct neap__pymalloc_entry){
        .address = neap__py_u64(bytes, 0),
        .pool_address = neap__py_u64(bytes, 8),
        .free_pools = neap__py_u32(bytes, 16),
        .total_pools = neap__py_u32(bytes, 20),
        .freepools = neap__py_u64(bytes, 24),
        .next = neap__py_u64(bytes, 32),
    };
}

bool neap__pymalloc_entry_read(const struct neap__pymalloc_search *search, uint64_t arenas, uint64_t index,
                               struct neap__pymalloc_entry *entry) {
    unsigned char scratch[NEAP_PY_ARENA_ENTRY];
    if (*search->left == 0)
        return false;
    --*search->left;
    const unsigned char *bytes =
        neap_memory_at(search->memory, arenas + index * NEAP_PY_ARENA_ENTRY, scratch, sizeof(scratch));
    if (bytes)
        entry_decode(bytes, entry);
    return bytes != NULL;
}

/* An arena whose address is not a multiple of a pool has one pool less. A version has one size of arenas,
 * and custom builds may have a small multiple of it. So the number of pools in an entry is bounded. */
uint64_t neap__pymalloc_entry_bytes(const struct neap__pymalloc_search *search,
                                    const struct neap__pymalloc_entry *entry) {
    uint64_t pool = (uint64_t)search->version->pool_bytes;
    uint64_t first = neap_word_round_up(entry->address, pool);
    uint64_t bytes = (entry->total_pools + (first != entry->address)) * pool;
    if (entry->address == 0 || entry->total_pools == 0 || entry->free_pools > entry->total_pools ||
        bytes > ARENA_TIMES * (uint64_t)search->version->arena_bytes || entry->pool_address < first ||
        entry->pool_address > first + entry->total_pools * pool || entry->pool_address % pool != 0 ||
        first < entry->address)
        return 0;
    return neap__pymalloc_covered(search, entry->address, bytes) ? bytes : 0;
}

/* The length of a vector whose start is known: 16 times a power of two, so that all unused entries form one
 * chain within the vector. 0 if it is not a vector. */
static uint64_t vector_length(const struct neap__pymalloc_search *search, uint64_t arenas) {
    uint64_t farthest = 0, ends = 0, found = 0; /* of the entries so far: the chain's reach, its ends */
    for (uint64_t i = 0, length = VECTOR_FIRST; i < VECTOR_MOST; i++) {
        struct neap__pymalloc_entry entry;
        if (!neap__pymalloc_entry_read(search, arenas, i, &entry))
            break;
        if (entry.address != 0 && neap__pymalloc_entry_bytes(search, &entry) == 0)
            break;
        if (entry.address == 0 && entry.next == 0)
            ends++;
        if (entry.address == 0 && entry.next != 0) {
            if (entry.next < arenas || (entry.next - arenas) % NEAP_PY_ARENA_ENTRY != 0)
                break;
            uint64_t next = (entry.next - arenas) / NEAP_PY_ARENA_ENTRY;
            farthest = next > farthest ? next : farthest;
        }
        if (ends > 1 || farthest >= VECTOR_MOST)
            break;
        if (i + 1 == length) {
            found = farthest < length ? length : found;
            length *= 2;
        }
    }
    return found;
}

struct witness {
    uint64_t pool, index;
};

/* Pools in usedpools[], and the numbers of their arenas. */
static size_t witnesses_collect(const struct neap__pymalloc_search *search, uint64_t used_pools,
                                struct witness witnesses[WITNESSES]) {
    size_t count = 0;
    for (size_t k = 0; k < NEAP_PYMALLOC_CLASSES && count < WITNESSES; k++) {
        unsigned char scratch[NEAP_PY_POOL_HEADER];
        uint64_t pair = used_pools + k * PAIR_BYTES, pool;
        if (!neap__py_word(search->memory, pair, &pool) || pool == pair - PAIR_BYTES)
            continue;
        const void *head = neap_memory_at(search->memory, pool, scratch, sizeof(scratch));
        if (head)
            witnesses[count++] = (struct witness){pool, neap__py_u32(head, 32)};
    }
    return count;
}

static bool vector_leads_to(const struct neap__pymalloc_search *search, uint64_t arenas,
                            const struct witness *witness) {
    struct neap__pymalloc_entry entry;
    if (witness->index >= VECTOR_MOST || !neap__pymalloc_entry_read(search, arenas, witness->index, &entry) ||
        entry.address > witness->pool)
        return false;
    uint64_t bytes = neap__pymalloc_entry_bytes(search, &entry);
    return bytes != 0 && witness->pool - entry.address < bytes;
}

/* Up to 3.11 the pointer to the vector is a static variable; searches these words for it. */
static bool pointer_search(const struct neap__pymalloc_search *search, uint64_t start, uint64_t end,
                           const struct witness *witnesses, size_t count, uint64_t *arenas,
                           uint64_t *entries) {
    enum { WORDS = CHUNK_BYTES / NEAP_PY_WORD };
    unsigned char scratch[CHUNK_BYTES];
    for (uint64_t at = start; at<end && * search->left> WORDS; at += CHUNK_BYTES) {
        size_t bytes = end - at < CHUNK_BYTES ? (size_t)(end - at) : CHUNK_BYTES;
        *search->left -= WORDS;
        const unsigned char *chunk = neap_memory_at(search->memory, at, scratch, bytes);
        for (size_t offset = 0; chunk && offset + NEAP_PY_WORD <= bytes; offset += NEAP_PY_WORD) {
            uint64_t word = neap__py_u64(chunk, offset);
            if (NEAP_LIKELY(word == 0 || word % 16 != 0) ||
                !neap__pymalloc_covered(search, word, VECTOR_FIRST_BYTES))
                continue;
            bool leads = true;
            for (size_t i = 0; leads && i < count; i++)
                leads = vector_leads_to(search, word, &witnesses[i]);
            uint64_t length = leads ? vector_length(search, word) : 0;
            if (length != 0) {
                *arenas = word;
                *entries = length;
                return true;
            }
        }
    }
    return false;
}

/* Searches near usedpools first, because the variables of a file lie together, followed by its .bss. */
static bool static_arenas(const struct neap__pymalloc_search *search, uint64_t used_pools, uint64_t *arenas,
                          uint64_t *entries) {
    struct witness witnesses[WITNESSES];
    size_t count = witnesses_collect(search, used_pools, witnesses);
    if (count == 0)
        return false;
    uint64_t end = 0;
    for (size_t i = 0; i < search->range_count; i++) {
        const struct neap_py_range *range = &search->ranges[i];
        bool home = used_pools >= range->start && used_pools < range->end;
        if (!home && (end == 0 || range->start != end))
            continue;
        end = range->end;
        uint64_t stop = range->end - range->start > STATICS_MOST ? range->start + STATICS_MOST : range->end;
        if (pointer_search(search, range->start, stop, witnesses, count, arenas, entries))
            return true;
    }
    return false;
}

bool neap__pymalloc_arenas(const struct neap__pymalloc_search *search, uint64_t used_pools, uint64_t *arenas,
                           uint64_t *entries) {
    const struct neap_py_version *version = search->version;
    if (version->arenas_from_pools == NEAP_PY_NONE)
        return static_arenas(search, used_pools, arenas, entries);
    unsigned char scratch[2 * NEAP_PY_WORD];
    const void *place = neap_memory_at(search->memory, used_pools + (uint64_t)version->arenas_from_pools,
                                       scratch, sizeof(scratch));
    if (!place || neap__py_u64(place, 0) == 0)
        return false;
    *arenas = neap__py_u64(place, 0);
    *entries = neap__py_u32(place, NEAP_PY_WORD);
    return *entries <= VECTOR_MOST;
}
