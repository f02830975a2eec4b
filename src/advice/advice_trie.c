/* advice/advice_trie.c: advice for tries made of nodes: measures them, and fills a neap.Trie. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "advice/nested_trie.h"

struct trie {
    struct neap__advice_search *search;
    struct neap_advice_column keys, values;
    struct neap_address_set shared, seen; /* the nodes */
    struct neap_simple_value_buffer text, key_text;
    uint64_t own_bytes;
    uint64_t marks;    /* entries without a value */
    uint64_t mark_key; /* the key of all simple values in dicts; 0: none yet */
    bool mark_differs; /* there are several such keys, so they are part of the texts */
    struct neap_size_measured store;
    unsigned char entry[NEAP_NESTED_TRIE_WAY_MAX + NEAP_SIMPLE_TEXT_MAX];
};

/* What a simple value in a node means: an entry, or none. */
enum meaning { NOTHING, MARK, VALUE };

static enum meaning meaning_of(const struct neap__nested_trie_step *step,
                               const struct neap_simple_value *content) {
    bool in_dict = step->key != 0;
    switch (content->kind) {
    case NEAP_SIMPLE_NONE:
        return in_dict ? MARK : NOTHING;
    case NEAP_SIMPLE_BOOL:
        return content->item.i ? MARK : NOTHING;
    case NEAP_SIMPLE_STR: /* the letter of the node itself */
        return !in_dict && content->item.text.bytes == step->last_bytes &&
                       memcmp(content->item.text.data, step->way + step->way_bytes - step->last_bytes,
                              step->last_bytes) == 0
                   ? NOTHING
                   : VALUE;
    default:
        return VALUE;
    }
}

/* --- description ---------------------------------------------------------------------------- */

static void value_measure(struct trie *trie, const struct neap__nested_trie_step *step) {
    struct neap_py_lens *lens = &trie->search->lens;
    struct neap_simple_value content = neap_simple_value_read(lens, &step->object, &trie->text);
    if (neap_simple_value_is_text(content.kind) &&
        !neap__advice_charge(trie->search, content.item.text.bytes))
        return;
    if (step->key) {
        trie->mark_differs |= trie->mark_key && trie->mark_key != step->key;
        trie->mark_key = step->key;
    }
    enum meaning meaning = meaning_of(step, &content);
    trie->marks += meaning == MARK;
    struct neap_advice_column *column = meaning == VALUE ? &trie->values : &trie->keys;
    if (meaning == VALUE || content.kind == NEAP_SIMPLE_STR)
        neap_advice_column_add(column, lens, &trie->shared, &step->object, &trie->text);
}

static bool step_measure(void *context, const struct neap__nested_trie_step *step) {
    struct trie *trie = context;
    struct neap_py_measure measure;
    bool added;
    switch (step->role) {
    case NEAP_NESTED_TRIE_NODE:
        if (!neap_address_set_add(&trie->seen, step->object.address, 0, &added) || !added)
            return false; /* not a tree, or no memory */
        if (neap_py_object_measure(&trie->search->lens, &step->object, &measure, NULL, NULL) == NEAP_OK)
            trie->own_bytes += measure.sizeof_bytes;
        break;
    case NEAP_NESTED_TRIE_KEY:
        neap_advice_column_add(&trie->keys, &trie->search->lens, &trie->shared, &step->object, &trie->text);
        break;
    case NEAP_NESTED_TRIE_VALUE:
        value_measure(trie, step);
        break;
    case NEAP_NESTED_TRIE_EMPTY:
        trie->marks++;
        break;
    }
    return true;
}

/* --- what it would take elsewhere ------------------------------------------------------------- */

/* The text of an entry: the way, and the key if keys differ. False if it is not a text. */
static bool entry_text(struct trie *trie, const struct neap__nested_trie_step *step, union neap_item *text) {
    size_t bytes = step->way_bytes;
    memcpy(trie->entry, step->way, bytes);
    if (step->key && trie->mark_differs) {
        struct neap_py_object key;
        if (!neap_py_object_at(&trie->search->lens, step->key, &key))
            return false;
        struct neap_simple_value content = neap_simple_value_read(&trie->search->lens, &key, &trie->key_text);
        if (content.kind != NEAP_SIMPLE_STR || content.item.text.bytes > NEAP_SIMPLE_TEXT_MAX)
            return false;
        memcpy(trie->entry + bytes, content.item.text.data, content.item.text.bytes);
        bytes += content.item.text.bytes;
    }
    text->text.data = trie->entry;
    text->text.bytes = bytes;
    return true;
}

static bool step_store(void *context, const struct neap__nested_trie_step *step) {
    struct trie *trie = context;
    struct neap_simple_value content = {.kind = NEAP_SIMPLE_NONE, .item.i = 0};
    union neap_item text;
    if (step->role == NEAP_NESTED_TRIE_NODE || step->role == NEAP_NESTED_TRIE_KEY)
        return true;
    if (step->role == NEAP_NESTED_TRIE_VALUE) {
        content = neap_simple_value_read(&trie->search->lens, &step->object, &trie->text);
        if (meaning_of(step, &content) == NOTHING)
            return true;
    }
    return entry_text(trie, step, &text) && neap_size_measured_add(&trie->store, text, content.item);
}

static void trie_advise(struct trie *trie, const struct neap__nested_tries *tries, uint32_t top) {
    struct neap__advice_search *search = trie->search;
    struct neap_advice advice = {.kind = NEAP_ADVICE_NESTED_TRIE, .lead = "trie of"};
    enum neap_kind value = NEAP_KIND_NONE;
    if (!neap__nested_trie_walk(search, tries, top, step_measure, trie) ||
        (trie->values.count && trie->marks) ||
        (trie->values.count && !neap_advice_column_kind(&trie->values, &value)))
        return;
    advice.items = trie->values.count + trie->marks;
    advice.own_bytes = trie->own_bytes;
    advice.key_bytes = trie->keys.bytes;
    advice.value_bytes = trie->values.bytes;
    advice.now_bytes = advice.own_bytes + advice.key_bytes + advice.value_bytes;
    snprintf(advice.tail, sizeof(advice.tail), "str%s%s in %u nodes", trie->values.count ? " to " : "",
             trie->values.count ? neap_simple_value_name(trie->values.kind) : "", tries->nodes[top]);
    neap_size_measured_open(&trie->store, NEAP_MEASURED_TRIE, NEAP_KIND_STR, value, advice.items,
                            advice.now_bytes);
    bool whole = neap__nested_trie_walk(search, tries, top, step_store, trie);
    struct neap_size_measured_bytes bytes = neap_size_measured_close(&trie->store);
    if (!whole)
        return;
    neap__advice_options(&advice, NEAP_KIND_STR, value, &bytes);
    if (advice.option_count)
        advice.owner_path = neap_owner_paths_of(search->paths, top);
    neap__advice_add(search, &advice);
}

static void top_advise(struct neap__advice_search *search, const struct neap__nested_tries *tries,
                       uint32_t top) {
    struct trie *trie = calloc(1, sizeof(*trie));
    if (!trie) {
        search->advices->gaps[NEAP_ADVICE_PART_TRIES].out_of_memory = true;
        return;
    }
    trie->search = search;
    trie->shared.limit = NEAP_ADVICE_SHARED_MAX;
    trie_advise(trie, tries, top);
    search->advices->gaps[NEAP_ADVICE_PART_TRIES].out_of_memory |= trie->shared.lost || trie->seen.lost;
    neap_address_set_clear(&trie->shared);
    neap_address_set_clear(&trie->seen);
    free(trie->text.bytes);
    free(trie->key_text.bytes);
    free(trie);
}

void neap__advice_nested_tries(struct neap__advice_search *search) {
    struct neap__nested_tries tries;
    uint32_t reached;
    const uint32_t *order = neap_referrers_order(search->referrers, &reached);
    bool found = neap__nested_tries_find(search, &tries);
    search->advices->gaps[NEAP_ADVICE_PART_TRIES].out_of_memory |= !found;
    for (uint32_t i = 0; found && i < reached && !neap__advice_spent(search); i++) {
        bool child = neap_block_is_live(tries.children, order[i]);
        if (tries.nodes[order[i]] >= NEAP_ADVICE_ITEMS_LEAST && !child)
            top_advise(search, &tries, order[i]);
    }
    neap__nested_tries_clear(&tries);
}
