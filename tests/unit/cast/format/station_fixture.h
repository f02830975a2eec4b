/* Settings that are read from a text, with memory that is counted, for tests of station.h. */
#ifndef TEST_STATION_FIXTURE_H
#define TEST_STATION_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <neap/error.h>

#include "cast/format/station.h"
#include "cast/format/station_keys.h"
#include "cast/format/url.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- memory that is counted, and that can be refused ----------------------- */

static void *(*memory_before)(void *old, size_t bytes);
static size_t blocks, calls, failing; /* the call that fails, from 1; 0: none */

static inline void *memory_counted(void *old, size_t bytes) {
    if (bytes > 0 && ++calls == failing)
        return NULL;
    void *block = memory_before(old, bytes);
    if (bytes > 0 && !old)
        blocks++;
    if (bytes == 0 && old)
        blocks--;
    return block;
}

static inline int memory_count(void **state) {
    (void)state;
    memory_before = cast_station_memory;
    cast_station_memory = memory_counted;
    blocks = calls = failing = 0;
    return 0;
}

static inline int memory_is_back(void **state) {
    (void)state;
    cast_station_memory = memory_before;
    return blocks == 0 ? 0 : -1;
}

/* --- readers ------------------------------------------------------------------ */

static inline struct cast_station *read_bytes(const char *text, size_t bytes) {
    struct cast_station *station = NULL;
    struct cast_station_error error = {.line = 77};
    int result = cast_station_read(text, bytes, &station, &error);
    if (result != NEAP_OK)
        fail_msg("line %u: %s", error.line, error.text);
    assert_non_null(station);
    return station;
}

static inline struct cast_station *read_text(const char *text) {
    return read_bytes(text, strlen(text));
}

static inline void refused_bytes(const char *text, size_t bytes, unsigned line, const char *wanted) {
    struct cast_station *station = NULL;
    struct cast_station_error error = {.line = 77};
    assert_int_equal(cast_station_read(text, bytes, &station, &error), NEAP_ERROR_FORMAT);
    assert_null(station);
    assert_string_equal(error.text, wanted);
    assert_int_equal(error.line, line);
}

static inline void refused(const char *text, unsigned line, const char *wanted) {
    refused_bytes(text, strlen(text), line, wanted);
}

static inline void set(struct cast_station *station, const char *key, const char *value) {
    struct cast_station_error error = {.line = 77};
    if (cast_station_set(station, key, value, &error) != NEAP_OK)
        fail_msg("%s", error.text);
}

static inline void set_refused(struct cast_station *station, const char *key, const char *value,
                               const char *wanted) {
    struct cast_station_error error = {.line = 77};
    assert_int_equal(cast_station_set(station, key, value, &error), NEAP_ERROR_FORMAT);
    assert_string_equal(error.text, wanted);
    assert_int_equal(error.line, 0);
}

/* Verifies a file that can be read. `wanted` is NULL if nothing is wrong. */
static inline void verified(const char *text, const char *wanted) {
    struct cast_station *station = read_text(text);
    struct cast_station_error error = {.line = 77, .text = ""};
    int result = cast_station_verify(station, &error);
    assert_string_equal(error.text, wanted ? wanted : "");
    assert_int_equal(result, wanted ? NEAP_ERROR_FORMAT : NEAP_OK);
    assert_int_equal(error.line, 0);
    cast_station_destroy(station);
}

static inline void assert_list(const struct cast_list *list, size_t count, const char *const *wanted) {
    assert_int_equal(list->count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(list->items[i], wanted[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_count, memory_is_back)

#endif
