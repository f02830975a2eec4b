/* Any calls in any order, against a model that knows each byte by its offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stream_bytes.h"

enum { READERS = 5, LONGEST = 3000 };

struct model {
    uint64_t offset, missed;
};

static void assert_sound(const neap_stream_t *stream) {
    const char *why = "";
    if (!neap_stream_check(stream, &why))
        fail_msg("%s", why);
}

static uint64_t greater(uint64_t one, uint64_t other) {
    return one > other ? one : other;
}

/* The oldest whole block, or the end: counted out, not computed as the code does. */
static uint64_t oldest_of(uint64_t block_bytes, uint64_t ring, uint64_t written, uint64_t claimed) {
    uint64_t oldest = 0;
    if (claimed > 2 * ring) /* a start not too far away */
        oldest = (claimed - 2 * ring) / block_bytes * block_bytes;
    while (oldest + ring < claimed)
        oldest += block_bytes;
    return oldest < written ? oldest : written;
}

/* What a reader has to do first, by the words of the contract. */
static void model_fall(struct model *model, const neap_stream_t *stream, uint64_t claimed) {
    uint64_t block_bytes = neap_stream_block_bytes(stream);
    uint64_t ring = block_bytes * neap_stream_block_count(stream);
    uint64_t oldest = oldest_of(block_bytes, ring, neap_stream_written(stream), claimed);
    assert_int_equal(neap_stream_oldest(stream), oldest);
    if (claimed > model->offset + ring) {
        model->missed += oldest - model->offset;
        model->offset = oldest;
    }
}

static size_t take_spans(struct neap_stream_reader *reader, size_t bytes, uint8_t *buffer) {
    struct neap_span spans[2];
    size_t taken = 0;
    unsigned count = neap_stream_reader_peek(reader, bytes, spans);
    for (unsigned i = 0; i < count; i++) {
        memcpy(buffer + taken, spans[i].data, spans[i].bytes);
        taken += spans[i].bytes;
    }
    assert_true(neap_stream_reader_done(reader, taken));
    return taken;
}

static size_t take_block(struct neap_stream_reader *reader, uint8_t *buffer) {
    struct neap_span block;
    if (!neap_stream_reader_next(reader, &block))
        return 0;
    memcpy(buffer, block.data, block.bytes);
    assert_true(neap_stream_reader_done(reader, block.bytes));
    return block.bytes;
}

static void take(struct neap_stream_reader *reader, struct model *model, unsigned how, size_t bytes) {
    static uint8_t buffer[2 * LONGEST + 8192];
    uint64_t there = neap_stream_written(reader->stream) - model->offset;
    size_t block_bytes = neap_stream_block_bytes(reader->stream);
    size_t rest = (size_t)(block_bytes - model->offset % block_bytes);
    size_t stretch = there < bytes ? (size_t)there : bytes, block = there >= rest ? rest : 0, taken;
    switch (how) {
    case 0:
        taken = neap_stream_reader_read(reader, buffer, bytes);
        assert_int_equal(taken, stretch);
        break;
    case 1:
        taken = take_spans(reader, bytes, buffer);
        assert_int_equal(taken, stretch);
        break;
    case 2:
        taken = neap_stream_reader_read_block(reader, buffer);
        assert_int_equal(taken, block);
        break;
    default:
        taken = take_block(reader, buffer);
        assert_int_equal(taken, block);
    }
    assert_true(stream_bytes_good(buffer, model->offset, taken));
    model->offset += taken;
    assert_int_equal(reader->offset, model->offset);
    assert_int_equal(reader->missed_bytes, model->missed);
}

static uint64_t claim_and_commit(neap_stream_t *stream, size_t bytes) {
    struct neap_span span;
    uint64_t written = neap_stream_written(stream);
    assert_int_equal(neap_stream_claim(stream, bytes, &span), NEAP_OK);
    memset(span.data, 0xee, span.bytes);
    size_t used = (size_t)rand() % (span.bytes + 1);
    stream_bytes_fill(span.data, written, used);
    assert_int_equal(neap_stream_commit(stream, used), NEAP_OK);
    return written + span.bytes;
}

static void random_walk(unsigned seed, size_t block_bytes, size_t block_count, unsigned steps) {
    neap_stream_t *stream = neap_stream_new(block_bytes, block_count, NULL);
    struct neap_stream_reader readers[READERS];
    struct model models[READERS];
    uint64_t claimed = 0;
    srand(seed);
    memset(models, 0, sizeof(models));
    for (int i = 0; i < READERS; i++)
        neap_stream_reader_open(&readers[i], stream, 0);
    for (unsigned step = 0; step < steps; step++) {
        unsigned who = (unsigned)rand() % READERS, what = (unsigned)rand() % 12;
        size_t bytes = 1 + (size_t)rand() % (rand() % 4 == 0 ? LONGEST : 40);
        uint64_t written = neap_stream_written(stream);
        if (what < 3) {
            assert_int_equal(stream_bytes_write(stream, bytes), NEAP_OK);
            claimed = greater(written + bytes, claimed);
        } else if (what == 3) {
            claimed = greater(claim_and_commit(stream, bytes), claimed);
        } else if (what == 4) {
            uint64_t back = rand() % 3 == 0 ? NEAP_STREAM_READER_OLDEST : bytes;
            neap_stream_reader_open(&readers[who], stream, back);
            models[who] = (struct model){back < written ? written - back : 0, 0};
            model_fall(&models[who], stream, claimed);
            models[who].missed = 0;
        } else {
            model_fall(&models[who], stream, claimed);
            take(&readers[who], &models[who], what % 4, bytes);
        }
        assert_sound(stream);
    }
    neap_stream_destroy(stream);
}

static void any_order(void **state) {
    (void)state;
    const char *asked = getenv("NEAP_TEST_STEPS");
    unsigned steps = asked ? (unsigned)atoi(asked) / 20 : 3000;
    static const size_t measures[][2] = {{1, 1},  {1, 7},    {8, 4},    {13, 5},
                                         {64, 1}, {100, 33}, {1000, 2}, {4096, 3}};
    for (unsigned i = 0; i < sizeof(measures) / sizeof(measures[0]); i++)
        random_walk(i + 1, measures[i][0], measures[i][1], steps);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
