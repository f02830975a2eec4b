/* A stream and its readers, one thing at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_bytes.h"
#include "os/memory.h"

static void write_bytes(neap_stream_t *stream, size_t bytes) {
    assert_int_equal(stream_bytes_write(stream, bytes), NEAP_OK);
}

static void assert_sound(const neap_stream_t *stream) {
    const char *why = "";
    if (!neap_stream_check(stream, &why))
        fail_msg("%s", why);
}

static void measures(void **state) {
    (void)state;
    assert_null(neap_stream_new(0, 1, NULL));
    assert_null(neap_stream_new(1, 0, NULL));
    assert_null(neap_stream_new(SIZE_MAX, 1, NULL));
    assert_null(neap_stream_new(1, SIZE_MAX, NULL));
    assert_null(neap_stream_new(UINT32_MAX, UINT32_MAX, NULL));
    neap_stream_destroy(NULL);
    neap_stream_t *stream = neap_stream_new(7, 3, NULL);
    assert_non_null(stream);
    assert_int_equal(neap_stream_block_bytes(stream), 7);
    assert_int_equal(neap_stream_block_count(stream), 3);
    assert_true(neap_stream_memory_bytes(stream) >= 21);
    assert_true(neap_stream_memory_bytes(stream) <= 2 * neap_os_page_bytes());
    assert_int_equal(neap_stream_state(stream), NEAP_STREAM_LIVE);
    assert_true(neap_stream_writes(stream));
    assert_true(sizeof(struct neap_stream_reader) <= 32);
    assert_sound(stream);
    neap_stream_destroy(stream);
}

static void falling_behind(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(10, 4, NULL);
    struct neap_stream_reader reader, late;
    uint8_t buffer[100];
    neap_stream_reader_open(&reader, stream, 0);
    write_bytes(stream, 43);
    assert_int_equal(neap_stream_oldest(stream), 10);
    neap_stream_reader_open(&late, stream, NEAP_STREAM_READER_OLDEST);
    assert_int_equal(late.offset, 10);
    assert_int_equal(late.missed_bytes, 0);
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 5), 5);
    assert_int_equal(reader.missed_bytes, 10);
    assert_true(stream_bytes_good(buffer, 10, 5));
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), 5); /* the rest of its block */
    assert_true(stream_bytes_good(buffer, 15, 5));
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 100), 23);
    assert_true(stream_bytes_good(buffer, 20, 23));
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 100), 0);
    assert_int_equal(reader.missed_bytes, 10);
    write_bytes(stream, 1000); /* many rings in one piece */
    assert_int_equal(neap_stream_reader_lag(&reader), 33);
    assert_int_equal(reader.missed_bytes, 10 + 1010 - 43);
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 100), 33);
    assert_true(stream_bytes_good(buffer, 1010, 33));
    assert_sound(stream);
    neap_stream_destroy(stream);
}

static void views(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(16, 4, NULL);
    struct neap_stream_reader reader;
    struct neap_span block;
    neap_stream_reader_open(&reader, stream, 0);
    assert_false(neap_stream_reader_next(&reader, &block));
    write_bytes(stream, 15);
    assert_false(neap_stream_reader_next(&reader, &block));
    write_bytes(stream, 1);
    assert_true(neap_stream_reader_next(&reader, &block));
    assert_int_equal(block.bytes, 16);
    assert_true(stream_bytes_good(block.data, 0, 16));
    assert_true(neap_stream_reader_done(&reader, block.bytes));
    assert_false(neap_stream_reader_next(&reader, &block));
    write_bytes(stream, 16);
    assert_true(neap_stream_reader_next(&reader, &block));
    write_bytes(stream, 48);
    assert_true(neap_stream_reader_done(&reader, block.bytes)); /* just not touched */
    assert_true(neap_stream_reader_next(&reader, &block));
    write_bytes(stream, 17); /* one byte into it */
    assert_false(neap_stream_reader_done(&reader, block.bytes));
    assert_int_equal(reader.offset, 48);
    assert_int_equal(reader.missed_bytes, 16);
    neap_stream_destroy(stream);
}

static void opened_at_an_offset(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(8, 4, NULL);
    struct neap_stream_reader reader;
    uint8_t buffer[64];
    write_bytes(stream, 45); /* the oldest whole block begins at 16 */
    neap_stream_reader_open_at(&reader, stream, 29);
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 64), 16);
    assert_true(stream_bytes_good(buffer, 29, 16));
    neap_stream_reader_open_at(&reader, stream, 3);
    assert_int_equal(reader.offset, 16);
    assert_int_equal(reader.missed_bytes, 0);
    neap_stream_reader_open_at(&reader, stream, 1000);
    assert_int_equal(reader.offset, 45);
    write_bytes(stream, 2);
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 64), 2);
    assert_true(stream_bytes_good(buffer, 45, 2));
    neap_stream_destroy(stream);
}

static void claims(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(8, 4, NULL);
    struct neap_stream_reader reader;
    struct neap_span span;
    uint8_t buffer[64];
    write_bytes(stream, 30);
    neap_stream_reader_open(&reader, stream, NEAP_STREAM_READER_OLDEST);
    assert_int_equal(reader.offset, 0);
    assert_int_equal(neap_stream_claim(stream, 0, &span), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_claim(stream, 100, &span), NEAP_OK);
    assert_int_equal(span.bytes, 2); /* up to the ring's end */
    stream_bytes_fill(span.data, 30, 2);
    assert_int_equal(neap_stream_commit(stream, 3), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_commit(stream, 2), NEAP_OK);
    assert_int_equal(neap_stream_written(stream), 32);
    assert_int_equal(neap_stream_claim(stream, 9, &span), NEAP_OK);
    memset(span.data, 0xee, 9); /* and then only 3 of it are meant */
    stream_bytes_fill(span.data, 32, 3);
    assert_int_equal(neap_stream_oldest(stream), 16);
    assert_int_equal(neap_stream_commit(stream, 3), NEAP_OK);
    assert_int_equal(neap_stream_oldest(stream), 16); /* what was claimed stays lost */
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 64), 35 - 16);
    assert_true(stream_bytes_good(buffer, 16, 35 - 16));
    assert_int_equal(reader.missed_bytes, 16);
    write_bytes(stream, 3);
    assert_sound(stream);
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 64), 3);
    assert_true(stream_bytes_good(buffer, 35, 3));
    neap_stream_destroy(stream);
}

/* Whatever comes after a claim ends it: its span is not where the next bytes go any more. */
static void stale_claims(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(8, 8, NULL);
    struct neap_stream_reader reader;
    struct neap_span span;
    uint8_t buffer[64];
    neap_stream_reader_open(&reader, stream, 0);
    assert_int_equal(neap_stream_commit(stream, 1), NEAP_ERROR_ARGUMENT); /* none yet */
    assert_int_equal(neap_stream_claim(stream, 40, &span), NEAP_OK);
    stream_bytes_fill(span.data, 0, 40);
    write_bytes(stream, 2);
    assert_int_equal(neap_stream_commit(stream, 4), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_claim(stream, 40, &span), NEAP_OK);
    assert_int_equal(neap_stream_claim(stream, 3, &span), NEAP_OK);
    stream_bytes_fill(span.data, 2, 3);
    assert_int_equal(neap_stream_commit(stream, 4), NEAP_ERROR_ARGUMENT); /* of the last one, and it stays */
    assert_int_equal(neap_stream_commit(stream, 3), NEAP_OK);
    assert_int_equal(neap_stream_commit(stream, 1), NEAP_ERROR_ARGUMENT); /* twice */
    assert_int_equal(neap_stream_claim(stream, 5, &span), NEAP_OK);
    assert_int_equal(neap_stream_commit(stream, 0), NEAP_OK); /* none of it */
    assert_int_equal(neap_stream_commit(stream, 1), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_commit(stream, 0), NEAP_OK);
    assert_int_equal(neap_stream_reader_read(&reader, buffer, 64), 5);
    assert_true(stream_bytes_good(buffer, 0, 5));
    assert_sound(stream);
    neap_stream_destroy(stream);
}

static void the_end(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(10, 4, NULL);
    struct neap_stream_reader reader;
    uint8_t buffer[64];
    neap_stream_reader_open(&reader, stream, 0);
    write_bytes(stream, 13);
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), 10);
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), 0);
    assert_int_equal(neap_stream_close(stream), NEAP_OK);
    assert_int_equal(neap_stream_close(stream), NEAP_OK);
    assert_int_equal(neap_stream_state(stream), NEAP_STREAM_CLOSED);
    assert_int_equal(neap_stream_write(stream, "x", 1), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_commit(stream, 0), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), 3);
    assert_true(stream_bytes_good(buffer, 10, 3));
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), 0);
    assert_true(neap_stream_reader_wait(&reader, 0, 0)); /* does not sleep */
    assert_sound(stream);
    neap_stream_destroy(stream);
}

static void waiting_has_a_limit(void **state) {
    (void)state;
    neap_stream_t *stream = neap_stream_new(10, 4, NULL);
    struct neap_stream_reader reader;
    neap_stream_reader_open(&reader, stream, 0);
    assert_false(neap_stream_reader_wait(&reader, 0, 1));
    write_bytes(stream, 4);
    assert_false(neap_stream_reader_wait(&reader, 0, 1));
    assert_true(neap_stream_reader_wait(&reader, 4, 0));
    assert_false(neap_stream_reader_wait(&reader, 5, 1));
    write_bytes(stream, 6);
    assert_true(neap_stream_reader_wait(&reader, 0, 0));
    neap_stream_destroy(stream);
}

/* --- memory --------------------------------------------------------------------- */

struct account {
    size_t held_bytes;
    unsigned calls, failing; /* the call that fails; 0: none */
};

static void *account_alloc(void *context, size_t bytes) {
    struct account *account = context;
    if (++account->calls == account->failing)
        return NULL;
    account->held_bytes += bytes;
    void *block = aligned_alloc(16, (bytes + 15) / 16 * 16);
    memset(block, 0xa5, bytes);
    return block;
}

static void account_free(void *context, void *block, size_t bytes) {
    ((struct account *)context)->held_bytes -= bytes;
    free(block);
}

static void injected_memory(void **state) {
    (void)state;
    struct account account = {.failing = 1};
    struct neap_allocator allocator = {.alloc = account_alloc, .free = account_free, .context = &account};
    assert_null(neap_stream_new(100, 10, &allocator));
    assert_int_equal(account.held_bytes, 0);
    neap_stream_t *stream = neap_stream_new(100, 10, &allocator);
    assert_non_null(stream);
    assert_int_equal(account.held_bytes, neap_stream_memory_bytes(stream));
    assert_true(account.held_bytes < 1000 + 1024); /* the ring, and little beside it */
    assert_sound(stream);
    unsigned calls = account.calls;
    struct neap_stream_reader reader;
    uint8_t buffer[100];
    neap_stream_reader_open(&reader, stream, 0);
    for (int i = 0; i < 50; i++) {
        write_bytes(stream, 130);
        assert_true(neap_stream_reader_read(&reader, buffer, 100) > 0);
    }
    assert_int_equal(account.calls, calls);
    neap_stream_destroy(stream);
    assert_int_equal(account.held_bytes, 0);
}

static void no_memory(void **state) {
    (void)state;
    for (unsigned n = 1; n <= 2; n++) {
        neap_os_fault_after(n);
        assert_null(neap_stream_new(100, 10, NULL));
    }
    neap_os_fault_after(0);
    if (neap_os_memory_bytes() < SIZE_MAX / 4) /* more than the machine has: refused, not killed for */
        assert_null(neap_stream_new((size_t)1 << 20, (size_t)(neap_os_memory_bytes() >> 20) + 1, NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures),
        cmocka_unit_test(falling_behind),
        cmocka_unit_test(views),
        cmocka_unit_test(opened_at_an_offset),
        cmocka_unit_test(claims),
        cmocka_unit_test(the_end),
        cmocka_unit_test(waiting_has_a_limit),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(injected_memory),
        cmocka_unit_test(stale_claims),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
