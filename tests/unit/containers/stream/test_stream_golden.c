/* A stream's segment as each released version wrote it is attached and read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <neap/stream.h>

#define PATH NEAP_TEST_GOLDEN "/stream-1"

enum { BLOCK_BYTES = 40, BLOCKS = 3, WRITTEN = 200, SEGMENT_BYTES_MAX = 4096 };

static char name[64], segment_path[96];

static void fill(char data[WRITTEN]) {
    for (unsigned i = 0; i < WRITTEN; i++)
        data[i] = (char)(i * 7 + 1);
}

static int copy(const char *from, const char *to) {
    char bytes[SEGMENT_BYTES_MAX];
    FILE *in = fopen(from, "rb"), *out = in ? fopen(to, "wb") : NULL;
    size_t count = out ? fread(bytes, 1, sizeof(bytes), in) : 0;
    bool whole = count > 0 && fwrite(bytes, 1, count, out) == count;
    if (in)
        fclose(in);
    return out && fclose(out) == 0 && whole ? 0 : -1;
}

static int write_today(void) {
    char data[WRITTEN];
    neap_stream_t *stream = NULL;
    fill(data);
    int error = neap_stream_share(name, BLOCK_BYTES, BLOCKS, 0600, &stream);
    if (error == NEAP_OK)
        error = neap_stream_write(stream, data, WRITTEN);
    if (error == NEAP_OK)
        error = copy(segment_path, PATH);
    neap_stream_destroy(stream);
    return error;
}

/* The files are of little-endian machines, and written where NEAP_GOLDEN_WRITE asks for it. */
static void need_file(int (*write_it)(void)) {
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
        skip();
    if (access(PATH, R_OK) != 0 && getenv("NEAP_GOLDEN_WRITE"))
        assert_int_equal(write_it(), 0);
}

/* The ring has the last 120 of the 200 bytes; nobody writes it any more. */
static void test_version_1(void **state) {
    (void)state;
    char data[WRITTEN], read[WRITTEN];
    neap_stream_t *stream = NULL;
    struct neap_stream_reader reader;
    snprintf(name, sizeof(name), "golden-%d", (int)getpid());
    snprintf(segment_path, sizeof(segment_path), "/dev/shm/neap.%s", name);
    fill(data);
    need_file(write_today);
    assert_int_equal(copy(PATH, segment_path), 0);
    assert_int_equal(neap_stream_attach(name, &stream), NEAP_OK);
    assert_int_equal(unlink(segment_path), 0);
    assert_int_equal(neap_stream_block_bytes(stream), BLOCK_BYTES);
    assert_int_equal(neap_stream_block_count(stream), BLOCKS);
    assert_int_equal(neap_stream_state(stream), NEAP_STREAM_DIED);
    assert_int_equal(neap_stream_written(stream), WRITTEN);
    neap_stream_reader_open(&reader, stream, NEAP_STREAM_READER_OLDEST);
    size_t bytes = (size_t)neap_stream_reader_read(&reader, read, sizeof(read));
    assert_true(bytes > 0 && bytes <= BLOCK_BYTES * BLOCKS);
    assert_memory_equal(read, data + WRITTEN - bytes, bytes);
    neap_stream_destroy(stream);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_version_1)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
