/* Ogg: which pages are kept and where a listener can begin, in whole streams, chains, damaged ones, and any
 * pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <neap/error.h>

#include "cast/format/ogg_pages.h"

enum { CONTINUED = 1, BEGINS = 2, ENDS = 4 };

static struct cast_ogg_pages pages;
static uint8_t stream[3 << 20];
static size_t stream_bytes;
static uint64_t begins[64]; /* where a listener can begin, as the pages said */
static size_t begin_count;

static void note(void *context, uint64_t offset) {
    assert_ptr_equal(context, &pages);
    assert_true(begin_count < 64);
    begins[begin_count++] = offset;
}

/* Adds a page to the stream, and returns its offset. The body says "OggS" often. */
static uint64_t add(uint8_t flags, int64_t granule, size_t body) {
    uint64_t offset = stream_bytes;
    uint8_t *page = stream + stream_bytes;
    memcpy(page, "OggS", 5);
    page[5] = flags;
    memcpy(page + 6, &granule, 8);
    memset(page + 14, 'O', 12); /* serial, sequence, checksum: nobody looks */
    page[26] = (uint8_t)(body / 255 + 1);
    memset(page + 27, 255, body / 255);
    page[27 + body / 255] = (uint8_t)(body % 255);
    uint8_t *bytes = page + 27 + page[26];
    for (size_t i = 0; i < body; i++)
        bytes[i] = (uint8_t) "OggS"[i % 5];
    stream_bytes += 27 + page[26] + body;
    return offset;
}

static void add_garbage(const char *text, size_t bytes) {
    memcpy(stream + stream_bytes, text, bytes);
    stream_bytes += bytes;
}

/* Feeds the whole stream in pieces to a new reader whose first byte is at `offset`. */
static void feed(size_t step, uint64_t offset) {
    cast_ogg_pages_close(&pages);
    cast_ogg_pages_open(&pages, offset);
    begin_count = 0;
    for (size_t at = 0; at < stream_bytes; at += step) {
        size_t count = stream_bytes - at < step ? stream_bytes - at : step;
        assert_int_equal(cast_ogg_pages_feed(&pages, stream + at, count, note, &pages), NEAP_OK);
        assert_true(pages.header_bytes <= CAST_OGG_HEADERS_BYTES_MOST &&
                    pages.header_bytes <= pages.header_room);
    }
    assert_int_equal(pages.offset, offset + stream_bytes);
}

/* A Vorbis and a Theora stream that begin together, comments over two pages, then audio. */
static void test_chain(void **state) {
    (void)state;
    stream_bytes = 0;
    add(BEGINS, 0, 30);
    add(BEGINS, 0, 42);
    add(0, -1, 255 * 254);
    add(CONTINUED, 0, 700);
    add(0, 0, 0);
    uint64_t first = add(0, 1000, 300);
    add(CONTINUED, -1, 300);
    add(CONTINUED, 2000, 300);
    uint64_t second = add(0, 0, 10);
    uint64_t third = add(ENDS, 3000, 300);
    for (size_t step = 1; step <= stream_bytes; step += step < 400 ? 1 : 7919) {
        feed(step, 1000000);
        assert_true(pages.headers_complete && !pages.in_headers && !pages.too_much);
        assert_int_equal(pages.lost_bytes, 0);
        assert_int_equal(pages.header_bytes, first);
        assert_memory_equal(pages.headers, stream, first);
        assert_int_equal(begin_count, 3);
        assert_true(begins[0] == 1000000 + first && begins[1] == 1000000 + second &&
                    begins[2] == 1000000 + third);
    }
}

static void test_state(void **state) {
    (void)state;
    stream_bytes = 0;
    add(BEGINS, 0, 100);
    uint64_t comments = add(0, 0, 100), audio = add(0, 5, 100);
    feed(1, 0);
    assert_int_equal(cast_ogg_pages_feed(&pages, stream, 40, NULL, NULL),
                     NEAP_OK); /* the next chain, begun */
    assert_true(pages.in_headers && !pages.headers_complete);
    assert_int_equal(pages.header_bytes, 40);
    assert_int_equal(cast_ogg_pages_feed(&pages, stream + 40, audio - 40, NULL, NULL), NEAP_OK);
    assert_false(pages.headers_complete);
    assert_int_equal(cast_ogg_pages_feed(&pages, stream + audio, 27, NULL, NULL), NEAP_OK);
    assert_false(pages.headers_complete); /* its head is not whole */
    assert_int_equal(cast_ogg_pages_feed(&pages, stream + audio + 27, 1, NULL, NULL), NEAP_OK);
    assert_true(pages.headers_complete);
    assert_true(pages.header_bytes == audio && comments < audio);
}

static void test_next_chain(void **state) {
    (void)state;
    stream_bytes = 0;
    add(BEGINS, 0, 100);
    add(0, 0, 500);
    uint64_t first = add(0, 5, 100);
    add(ENDS, 6, 0);
    uint64_t chain = add(BEGINS, 0, 20);
    add(0, 0, 30); /* a chain of headers only */
    uint64_t last = add(BEGINS, 0, 40);
    add(BEGINS, 0, 40);
    add(0, 0, 50);
    uint64_t second = add(0, 7, 100);
    for (size_t step = 1; step < stream_bytes; step++) {
        feed(step, 0);
        assert_int_equal(pages.header_bytes, second - last);
        assert_memory_equal(pages.headers, stream + last, second - last);
        assert_int_equal(begin_count, 3);
        assert_true(begins[0] == first && begins[1] < chain && begins[2] == second);
    }
}

static void test_lost(void **state) {
    (void)state;
    static const char garbage[] = "OggOggSxOgOOggS\1O\0ID3";
    stream_bytes = 0;
    add_garbage(garbage, sizeof(garbage));
    uint64_t chain = add(BEGINS, 0, 100), audio = add(0, 5, 100);
    add_garbage("Ogg", 3);
    uint64_t after = add(0, 6, 1);
    add_garbage("OggS", 4);
    for (size_t step = 1; step < stream_bytes; step++) {
        feed(step, 0);
        assert_int_equal(pages.lost_bytes, sizeof(garbage) + 3);
        assert_int_equal(pages.header_bytes, audio - chain);
        assert_true(begin_count == 2 && begins[0] == audio && begins[1] == after);
    }
    pages.lost_bytes = UINT32_MAX - 2;
    add_garbage("xx", 2);
    assert_int_equal(cast_ogg_pages_feed(&pages, stream + stream_bytes - 2, 2, note, &pages), NEAP_OK);
    assert_int_equal(pages.lost_bytes, UINT32_MAX);
    assert_int_equal(cast_ogg_pages_feed(&pages, stream + stream_bytes - 2, 2, note, &pages), NEAP_OK);
    assert_int_equal(pages.lost_bytes, UINT32_MAX);
}

static void test_too_much(void **state) {
    (void)state;
    stream_bytes = 0;
    add(BEGINS, 0, 100);
    while (stream_bytes + 27 + 255 + 255 * 254 <= CAST_OGG_HEADERS_BYTES_MOST)
        add(0, -1, 255 * 254);
    size_t left = CAST_OGG_HEADERS_BYTES_MOST - stream_bytes, body = left - 28;
    while (27 + body / 255 + 1 + body > left)
        body--;
    add(0, 0, body);
    feed(100000, 0);
    assert_true(!pages.too_much && pages.header_bytes == stream_bytes);
    add(0, 0, 300);
    feed(100000, 0);
    assert_true(pages.too_much && !pages.in_headers && !pages.headers_complete);
    assert_int_equal(pages.header_bytes, 0);
    add(0, 0, 1);
    uint64_t audio = add(0, 1, 1);
    feed(100000, 0);
    assert_true(pages.too_much && pages.headers_complete && pages.header_bytes == 0);
    assert_true(begin_count == 1 && begins[0] == audio);
    uint64_t chain = add(BEGINS, 0, 100);
    feed(100000, 0);
    assert_true(!pages.too_much && !pages.headers_complete && pages.header_bytes == stream_bytes - chain);
    cast_ogg_pages_close(&pages);
    assert_null(pages.headers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain), cmocka_unit_test(test_state),    cmocka_unit_test(test_next_chain),
        cmocka_unit_test(test_lost),  cmocka_unit_test(test_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
