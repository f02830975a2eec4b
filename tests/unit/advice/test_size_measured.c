/* size_measured: what it measures is the container itself, and what cannot be held so has no size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <neap/frozen_trie.h>

#include "advice/size_measured.h"

enum { ENTRIES = 20000 };

static union neap_item text_of(char room[16], int number) {
    return (union neap_item){.text = {room, (size_t)snprintf(room, 16, "key %d", number)}};
}

static bool fill(struct neap_size_measured *store, int entries) {
    char room[16];
    bool left = true;
    for (int i = 0; i < entries; i++)
        left = neap_size_measured_add(store, text_of(room, i), (union neap_item){.i = i});
    return left;
}

static void test_it_measures_the_real_thing(void **state) {
    (void)state;
    struct neap_size_measured store;
    char room[16];
    neap_size_measured_open(&store, NEAP_MEASURED_MAP | NEAP_MEASURED_TRIE, NEAP_KIND_STR, NEAP_KIND_I32,
                            ENTRIES, UINT64_MAX);
    assert_true(fill(&store, ENTRIES));
    struct neap_size_measured_bytes bytes = neap_size_measured_close(&store);
    neap_trie_t *trie = neap_trie_new(NEAP_KIND_STR, NEAP_KIND_I32, NULL);
    for (int i = 0; i < ENTRIES; i++)
        assert_int_equal(neap_trie_set(trie, text_of(room, i), (union neap_item){.i = i}), NEAP_OK);
    neap_frozen_trie_t *frozen = neap_trie_freeze(trie, NULL);
    assert_int_equal(bytes.trie, neap_trie_bytes(trie));
    assert_int_equal(bytes.frozen, neap_frozen_trie_bytes(frozen));
    assert_in_range(bytes.map, ENTRIES * (9 + 4), ENTRIES * 30);
    neap_frozen_trie_destroy(frozen);
    neap_trie_destroy(trie);
}

static void test_only_what_is_wanted(void **state) {
    (void)state;
    struct neap_size_measured store;
    neap_size_measured_open(&store, NEAP_MEASURED_TRIE, NEAP_KIND_STR, NEAP_KIND_I32, ENTRIES, UINT64_MAX);
    assert_true(fill(&store, 100));
    struct neap_size_measured_bytes bytes = neap_size_measured_close(&store);
    assert_true(bytes.map == 0 && bytes.trie > 0 && bytes.frozen > 0);
    neap_size_measured_open(&store, NEAP_MEASURED_MAP | NEAP_MEASURED_TRIE, NEAP_KIND_I32, NEAP_KIND_NONE,
                            ENTRIES, UINT64_MAX);
    assert_true(neap_size_measured_add(&store, (union neap_item){.i = 7}, (union neap_item){.i = 0}));
    bytes = neap_size_measured_close(&store);
    assert_true(bytes.map > 0 && bytes.trie == 0 && bytes.frozen == 0);
}

static void test_one_that_saves_nothing_is_given_up(void **state) {
    (void)state;
    struct neap_size_measured store;
    neap_size_measured_open(&store, NEAP_MEASURED_MAP | NEAP_MEASURED_TRIE, NEAP_KIND_STR, NEAP_KIND_I32,
                            ENTRIES, ENTRIES * 2);
    assert_false(fill(&store, ENTRIES));
    struct neap_size_measured_bytes bytes = neap_size_measured_close(&store);
    assert_true(bytes.map == 0 && bytes.trie == 0 && bytes.frozen == 0);
}

/* The same with texts of 200 letters that have nothing in common, so that entries take more than what any
 * heap has in store. */
static bool fill_with_long(struct neap_size_measured *store, int entries) {
    char room[200];
    bool left = true;
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < entries && left; i++) {
        for (int letter = 0; letter < 200; letter++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            room[letter] = (char)('a' + (random >> 33) % 26);
        }
        left =
            neap_size_measured_add(store, (union neap_item){.text = {room, 200}}, (union neap_item){.i = i});
    }
    return left;
}

/* What a process that may not grow says of containers that outgrow it. */
static unsigned unmade_without_memory(void) {
    struct neap_size_measured store;
    neap_size_measured_open(&store, NEAP_MEASURED_MAP | NEAP_MEASURED_TRIE, NEAP_KIND_STR, NEAP_KIND_I32,
                            100 * ENTRIES, UINT64_MAX);
    const struct rlimit none = {1 << 20, 1 << 20};
    if (setrlimit(RLIMIT_DATA, &none) != 0)
        return 0;
    bool left = fill_with_long(&store, 100 * ENTRIES);
    struct neap_size_measured_bytes bytes = neap_size_measured_close(&store);
    return left || bytes.map || bytes.trie || bytes.frozen ? 0 : bytes.unmade;
}

/* What could not be filled for lack of memory is told from what would save nothing. */
static void test_lack_of_memory_is_told(void **state) {
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* its allocator has mapped what it hands out */
#endif
#ifdef __SANITIZE_THREAD__
    skip(); /* it ends the process when there is no memory for its own notes */
#endif
    struct neap_size_measured store;
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit((int)unmade_without_memory());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), NEAP_MEASURED_MAP | NEAP_MEASURED_TRIE | NEAP_MEASURED_FROZEN);
    neap_size_measured_open(&store, NEAP_MEASURED_MAP | NEAP_MEASURED_TRIE, NEAP_KIND_STR, NEAP_KIND_I32,
                            ENTRIES, ENTRIES * 2);
    assert_false(fill(&store, ENTRIES));
    assert_int_equal(neap_size_measured_close(&store).unmade, 0);
}

static void test_entries_that_become_one_have_no_size(void **state) {
    (void)state;
    struct neap_size_measured store;
    neap_size_measured_open(&store, NEAP_MEASURED_MAP | NEAP_MEASURED_TRIE, NEAP_KIND_STR, NEAP_KIND_I32,
                            ENTRIES, UINT64_MAX);
    assert_true(fill(&store, 100));
    assert_true(fill(&store, 1));
    struct neap_size_measured_bytes bytes = neap_size_measured_close(&store);
    assert_true(bytes.map == 0 && bytes.trie == 0 && bytes.frozen == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_measures_the_real_thing),
        cmocka_unit_test(test_only_what_is_wanted),
        cmocka_unit_test(test_one_that_saves_nothing_is_given_up),
        cmocka_unit_test(test_lack_of_memory_is_told),
        cmocka_unit_test(test_entries_that_become_one_have_no_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
