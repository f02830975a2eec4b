/* cast/air/words.c: an array of texts, and a hash table of their numbers with linear probing.
 *
 * Texts come from outside, so the hash has a secret: nobody can choose texts that collide.
 */
#include "cast/air/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/array.h"
#include "os/random.h"
#include "os/thread.h"

enum { SLOTS_LEAST = 64, REMOVED = UINT32_MAX };

struct word {
    char *text; /* NULL: this number is free */
    uint64_t hash;
    uint32_t holders;
    uint32_t next_free; /* of a free number: another one, or 0 */
};

struct cast_words {
    struct neap_os_lock lock;
    uint64_t secret;
    struct word *words; /* [0] is not used */
    size_t count, room;
    uint32_t first_free;
    uint32_t *slots;           /* numbers; 0: empty */
    size_t slot_count, filled; /* filled: slots that are not empty; at most 3/4 */
    size_t living;
};

struct cast_words *cast_words_new(void) {
    struct cast_words *words = calloc(1, sizeof(*words));
    if (!words)
        return NULL;
    words->slots = calloc(SLOTS_LEAST, sizeof(*words->slots));
    if (!words->slots || !NEAP_ARRAY_RESERVE(words->words, words->room, 1u)) {
        free(words->slots);
        free(words);
        return NULL;
    }
    words->words[0] = (struct word){.text = NULL};
    words->count = 1;
    words->slot_count = SLOTS_LEAST;
    words->secret = neap_os_random();
    return words;
}

void cast_words_destroy(struct cast_words *words) {
    if (!words)
        return;
    for (size_t i = 1; i < words->count; i++)
        free(words->words[i].text);
    free(words->words);
    free(words->slots);
    free(words);
}

static uint64_t hash_of(const struct cast_words *words, const char *text) {
    return XXH3_64bits_withSeed(text, strlen(text), words->secret);
}

/* The slot of `text`, or the empty one where the search ended. */
static size_t slot_of(const struct cast_words *words, const char *text, uint64_t hash) {
    size_t slot = hash & (words->slot_count - 1);
    for (;; slot = (slot + 1) & (words->slot_count - 1)) {
        uint32_t number = words->slots[slot];
        if (number == 0)
            return slot;
        if (number != REMOVED && words->words[number].hash == hash &&
            strcmp(words->words[number].text, text) == 0)
            return slot;
    }
}

/* Lays all living words into a new table with room for twice as many. */
static bool table_renew(struct cast_words *words) {
    size_t count = SLOTS_LEAST;
    while (count < words->living * 4)
        count *= 2;
    uint32_t *slots = calloc(count, sizeof(*slots));
    if (!slots)
        return false;
    for (uint32_t i = 1; i < words->count; i++) {
        if (!words->words[i].text)
            continue;
        size_t slot = words->words[i].hash & (count - 1);
        while (slots[slot] != 0)
            slot = (slot + 1) & (count - 1);
        slots[slot] = i;
    }
    free(words->slots);
    words->slots = slots;
    words->slot_count = count;
    words->filled = words->living;
    return true;
}

/* A free number with `text` and no holder; 0 if there is no memory. */
static uint32_t word_make(struct cast_words *words, const char *text, uint64_t hash) {
    uint32_t number = words->first_free;
    if (number == 0 && !NEAP_ARRAY_RESERVE(words->words, words->room, words->count + 1))
        return 0;
    char *copy = strdup(text);
    if (!copy)
        return 0;
    if (number != 0)
        words->first_free = words->words[number].next_free;
    else
        number = (uint32_t)words->count++;
    words->words[number] = (struct word){copy, hash, 0, 0};
    words->living++;
    return number;
}

uint32_t cast_words_hold(struct cast_words *words, const char *text) {
    if (!text || *text == '\0')
        return 0;
    uint64_t hash = hash_of(words, text);
    neap_os_lock(&words->lock);
    uint32_t number = 0;
    if (words->filled * 4 < words->slot_count * 3 || table_renew(words)) {
        size_t slot = slot_of(words, text, hash);
        number = words->slots[slot];
        if (number == 0 && (number = word_make(words, text, hash)) != 0) {
            words->slots[slot] = number;
            words->filled++;
        }
        if (number != 0)
            words->words[number].holders++;
    }
    neap_os_unlock(&words->lock);
    return number;
}

void cast_words_drop(struct cast_words *words, uint32_t number) {
    if (number == 0)
        return;
    neap_os_lock(&words->lock);
    struct word *word = &words->words[number];
    if (--word->holders == 0) {
        words->slots[slot_of(words, word->text, word->hash)] = REMOVED;
        free(word->text);
        *word = (struct word){.next_free = words->first_free};
        words->first_free = number;
        if (--words->living * 16 < words->slot_count && words->slot_count > SLOTS_LEAST)
            table_renew(words); /* smaller; if there is no memory, the large one serves on */
    }
    neap_os_unlock(&words->lock);
}

char *cast_words_copy(struct cast_words *words, uint32_t number, char *out, size_t room) {
    neap_os_lock(&words->lock);
    snprintf(out, room, "%s", number != 0 ? words->words[number].text : "");
    neap_os_unlock(&words->lock);
    return out;
}

bool cast_words_check(struct cast_words *words, const char **why) {
    neap_os_lock(&words->lock);
    size_t living = 0, filled = 0, found = 0;
    for (size_t i = 1; i < words->count; i++)
        living += words->words[i].text != NULL;
    for (size_t i = 0; i < words->slot_count; i++) {
        uint32_t number = words->slots[i];
        filled += number != 0;
        if (number != 0 && number != REMOVED)
            found += number < words->count && words->words[number].text &&
                     slot_of(words, words->words[number].text, words->words[number].hash) == i;
    }
    bool ok =
        living == words->living && filled == words->filled && found == living && filled < words->slot_count;
    *why = ok ? "" : "the table and the texts do not agree";
    neap_os_unlock(&words->lock);
    return ok;
}
