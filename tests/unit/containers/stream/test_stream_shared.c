/* Streams between processes: one writes, others read and verify; writers die at any moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stream_bytes.h"

#include "os/clock.h"
#include "os/memory.h"

enum { BLOCK_BYTES = 1152, BLOCKS = 16, READING_PROCESSES = 4, ROUNDS = 6 };

static char name[64];

static int make_name(void **state) {
    static unsigned count;
    (void)state;
    snprintf(name, sizeof(name), "test-stream.%d.%u", (int)getpid(), count++);
    return 0;
}

static int remove_name(void **state) {
    (void)state;
    neap_stream_unlink(name);
    return 0;
}

static neap_stream_t *share(void) {
    neap_stream_t *stream = NULL;
    assert_int_equal(neap_stream_share(name, BLOCK_BYTES, BLOCKS, 0600, &stream), NEAP_OK);
    return stream;
}

static neap_stream_t *attach(void) {
    neap_stream_t *stream = NULL;
    assert_int_equal(neap_stream_attach(name, &stream), NEAP_OK);
    return stream;
}

/* How a child ended: its exit status, or 128 + its signal. */
static int end_of(pid_t child) {
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void names_and_measures(void **state) {
    (void)state;
    neap_stream_t *stream;
    char longest[202];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(neap_stream_share("", 10, 10, 0600, &stream), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_share("a/b", 10, 10, 0600, &stream), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_share(longest, 10, 10, 0600, &stream), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_share(name, 0, 10, 0600, &stream), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_attach("a/b", &stream), NEAP_ERROR_ARGUMENT);
    assert_int_equal(neap_stream_attach(name, &stream), NEAP_ERROR_ABSENT);
    assert_int_equal(neap_stream_unlink(name), NEAP_ERROR_ABSENT);
}

static void one_process(void **state) {
    (void)state;
    neap_stream_t *writer = share(), *second = NULL, *reading = attach();
    struct neap_stream_reader reader;
    uint8_t buffer[BLOCK_BYTES];
    const char *why = "";
    assert_int_equal(neap_stream_share(name, BLOCK_BYTES, BLOCKS, 0600, &second), NEAP_ERROR_BUSY);
    assert_int_equal(neap_stream_unlink(name), NEAP_ERROR_BUSY);
    assert_false(neap_stream_writes(reading));
    assert_int_equal(neap_stream_write(reading, "x", 1), NEAP_ERROR_PERMISSION);
    assert_int_equal(neap_stream_close(reading), NEAP_ERROR_PERMISSION);
    neap_stream_reader_open(&reader, reading, 0);
    assert_int_equal(stream_bytes_write(writer, BLOCK_BYTES + 100), NEAP_OK);
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), BLOCK_BYTES);
    assert_true(stream_bytes_good(buffer, 0, BLOCK_BYTES));
    assert_int_equal(neap_stream_state(reading), NEAP_STREAM_LIVE);
    assert_true(neap_stream_check(writer, &why));
    assert_true(neap_stream_check(reading, &why));
    assert_int_equal(neap_stream_close(writer), NEAP_OK);
    assert_int_equal(neap_stream_state(reading), NEAP_STREAM_CLOSED);
    assert_int_equal(neap_stream_attach(name, &second), NEAP_ERROR_ABSENT); /* the name is free */
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), 100);
    neap_stream_destroy(writer);
    neap_stream_destroy(reading);
}

/* The writer dies with its hands in the ring; another one follows, and the same readers go on. */
static void death_in_the_middle_of_a_write(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct neap_span span;
        neap_stream_t *stream = share();
        stream_bytes_write(stream, BLOCK_BYTES * (BLOCKS + 1) + 10);
        neap_stream_claim(stream, BLOCK_BYTES, &span);
        memset(span.data, 0xee, span.bytes);
        raise(SIGKILL);
    }
    assert_int_equal(end_of(child), 128 + SIGKILL);
    neap_stream_t *reading = attach(), *writer, *other = NULL;
    struct neap_stream_reader reader;
    uint8_t buffer[BLOCK_BYTES];
    assert_int_equal(neap_stream_state(reading), NEAP_STREAM_DIED);
    neap_stream_reader_open(&reader, reading, NEAP_STREAM_READER_OLDEST);
    /* written 17 blocks and 10 bytes, claimed one block more: the first three and a part are gone */
    assert_int_equal(reader.offset, 3 * BLOCK_BYTES);
    for (unsigned i = 3; i < BLOCKS + 1; i++) {
        assert_int_equal(neap_stream_reader_read_block(&reader, buffer), BLOCK_BYTES);
        assert_true(stream_bytes_good(buffer, reader.offset - BLOCK_BYTES, BLOCK_BYTES));
    }
    writer = share();
    assert_int_equal(neap_stream_state(reading), NEAP_STREAM_LIVE);
    assert_int_equal(neap_stream_written(writer), BLOCK_BYTES * (BLOCKS + 1) + 10);
    assert_int_equal(stream_bytes_write(writer, 2 * BLOCK_BYTES), NEAP_OK);
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), BLOCK_BYTES);
    assert_true(stream_bytes_good(buffer, reader.offset - BLOCK_BYTES, BLOCK_BYTES));
    assert_int_equal(reader.missed_bytes, 0);
    neap_stream_destroy(writer); /* not closed: that is a death too */
    assert_int_equal(neap_stream_state(reading), NEAP_STREAM_DIED);
    /* Of other measures, it is a new stream under the old name. */
    assert_int_equal(neap_stream_share(name, BLOCK_BYTES, BLOCKS + 1, 0600, &other), NEAP_OK);
    assert_int_equal(neap_stream_written(other), 0);
    assert_int_equal(neap_stream_state(reading), NEAP_STREAM_DIED);
    neap_stream_close(other);
    neap_stream_destroy(other);
    neap_stream_destroy(reading);
}

/* A child of the writer reads, does not write, and does not keep the writer alive. */
static void children_of_the_writer(void **state) {
    (void)state;
    int to_child[2], from_child[2];
    char byte = 0;
    assert_int_equal(pipe(to_child) | pipe(from_child), 0);
    pid_t writer_process = fork();
    if (writer_process == 0) {
        neap_stream_t *stream = share();
        stream_bytes_write(stream, BLOCK_BYTES);
        close(to_child[1]); /* so that a failed test ends us too */
        if (fork() == 0) {
            struct neap_stream_reader reader;
            uint8_t buffer[BLOCK_BYTES];
            neap_stream_reader_open(&reader, stream, NEAP_STREAM_READER_OLDEST);
            byte = (char)(neap_stream_write(stream, "x", 1) == NEAP_ERROR_PERMISSION &&
                          neap_stream_claim(stream, 1, &(struct neap_span){0}) == NEAP_ERROR_PERMISSION &&
                          neap_stream_state(stream) == NEAP_STREAM_LIVE &&
                          neap_stream_reader_read_block(&reader, buffer) == BLOCK_BYTES &&
                          stream_bytes_good(buffer, 0, BLOCK_BYTES));
            _exit(write(from_child[1], &byte, 1) != 1 || read(to_child[0], &byte, 1) != 1);
        }
        _exit(read(to_child[0], &byte, 1) != 1);
    }
    assert_int_equal(read(from_child[0], &byte, 1), 1);
    assert_true(byte);
    neap_stream_t *reading = attach();
    assert_int_equal(neap_stream_state(reading), NEAP_STREAM_LIVE);
    kill(writer_process, SIGKILL);
    end_of(writer_process);
    assert_int_equal(neap_stream_state(reading), NEAP_STREAM_DIED); /* the grandchild lives on */
    assert_int_equal(write(to_child[1], "xx", 2), 2);
    neap_stream_destroy(reading);
    for (int i = 0; i < 2; i++) {
        close(to_child[i]);
        close(from_child[i]);
    }
}

/* Somebody waits in another process for what comes, and for the writer's death. */
static void waiting_for_another_process(void **state) {
    (void)state;
    neap_stream_t *writer = share();
    pid_t child = fork();
    if (child == 0) {
        struct neap_stream_reader reader;
        uint8_t buffer[BLOCK_BYTES];
        neap_stream_destroy(writer);
        neap_stream_t *reading = attach();
        neap_stream_reader_open(&reader, reading, NEAP_STREAM_READER_OLDEST);
        while (neap_stream_reader_read_block(&reader, buffer) == 0)
            if (!neap_stream_reader_wait(&reader, 0, 0))
                _exit(2);
        if (!stream_bytes_good(buffer, 0, BLOCK_BYTES) || !neap_stream_reader_wait(&reader, 0, 0))
            _exit(3);
        _exit(neap_stream_state(reading) == NEAP_STREAM_DIED ? 0 : 4);
    }
    neap_os_sleep_ns(20 * 1000000);
    stream_bytes_write(writer, BLOCK_BYTES);
    neap_os_sleep_ns(20 * 1000000);
    neap_stream_destroy(writer);
    assert_int_equal(end_of(child), 0);
}

/* A reader is told once that the writer died. Then it waits for a new one, and is not back at once. */
static void waiting_for_a_new_writer(void **state) {
    (void)state;
    neap_stream_t *writer = share(), *reading = attach();
    struct neap_stream_reader reader, other;
    uint8_t buffer[BLOCK_BYTES];
    neap_stream_reader_open(&reader, reading, 0);
    neap_stream_reader_open(&other, reading, 0);
    neap_stream_destroy(writer);
    for (int deaths = 0; deaths < 2; deaths++) {
        assert_true(neap_stream_reader_wait(&reader, 0, 0));
        assert_int_equal(neap_stream_state(reading), NEAP_STREAM_DIED);
        for (int i = 0; i < 3; i++)
            assert_false(neap_stream_reader_wait(&reader, 0, 1));
        pid_t child = fork();
        if (child == 0) {
            neap_os_sleep_ns(20 * 1000000);
            _exit(stream_bytes_write(share(), BLOCK_BYTES) != NEAP_OK);
        }
        assert_true(neap_stream_reader_wait(&reader, 0, 0)); /* for its bytes */
        assert_int_equal(neap_stream_reader_read_block(&reader, buffer), BLOCK_BYTES);
        assert_int_equal(end_of(child), 0);
    }
    assert_true(neap_stream_reader_wait(&other, 3 * BLOCK_BYTES, 0)); /* another reader has to be told too */
    neap_stream_destroy(reading);
}

/* A writer that dies in a write longer than the ring takes all that was there with it, and no more. */
static void death_in_a_write_longer_than_the_ring(void **state) {
    (void)state;
    enum { RING = BLOCK_BYTES * BLOCKS };
    char path[128];
    uint8_t buffer[BLOCK_BYTES];
    struct neap_stream_reader reader;
    neap_stream_t *writer = share(), *reading = attach();
    const char *why = "";
    assert_int_equal(stream_bytes_write(writer, 3 * BLOCK_BYTES), NEAP_OK);
    neap_stream_reader_open(&reader, reading, NEAP_STREAM_READER_OLDEST);
    neap_stream_destroy(writer);
    snprintf(path, sizeof(path), "/dev/shm/neap.%s", name);
    int file = open(path, O_RDWR); /* as it left it: it had claimed, and not written yet */
    uint64_t claimed = 3 * BLOCK_BYTES + 50 * (uint64_t)RING;
    assert_int_equal(pwrite(file, &claimed, sizeof(claimed), 64), sizeof(claimed));
    close(file);
    writer = share();
    assert_true(neap_stream_check(writer, &why));
    assert_int_equal(neap_stream_written(writer), claimed);
    assert_int_equal(neap_stream_reader_read_block(&reader, buffer), 0);
    assert_int_equal(reader.missed_bytes, claimed);
    for (int i = 0; i < 3 * BLOCKS; i++) {
        assert_int_equal(stream_bytes_write(writer, BLOCK_BYTES), NEAP_OK);
        assert_int_equal(neap_stream_reader_read_block(&reader, buffer), BLOCK_BYTES);
        assert_true(stream_bytes_good(buffer, reader.offset - BLOCK_BYTES, BLOCK_BYTES));
    }
    assert_int_equal(reader.missed_bytes, claimed);
    neap_stream_destroy(writer);
    neap_stream_destroy(reading);
}

/* Its owner can cut the memory short at any time: readers and the writer get an error and no signal. */
static void memory_that_is_cut(void **state) {
    (void)state;
    char path[128];
    uint8_t buffer[3 * BLOCK_BYTES];
    snprintf(path, sizeof(path), "/dev/shm/neap.%s", name);
    for (off_t kept = 0; kept <= 8192; kept += 4096) {
        neap_stream_t *writer = share(), *reading = attach();
        struct neap_stream_reader reader;
        struct neap_span span;
        size_t sent;
        int sockets[2];
        assert_int_equal(stream_bytes_write(writer, 9 * BLOCK_BYTES), NEAP_OK);
        neap_stream_reader_open(&reader, reading, NEAP_STREAM_READER_OLDEST);
        assert_true(neap_stream_reader_next(&reader, &span));
        assert_int_equal(truncate(path, kept), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
        int error = NEAP_OK;
        while (error == NEAP_OK && neap_stream_state(reading) != NEAP_STREAM_CUT) {
            error = neap_stream_reader_send(&reader, sockets[0], SIZE_MAX, &sent);
            if (error == NEAP_OK && sent == 0)
                break;
        }
        assert_true(error == NEAP_ERROR_FORMAT || kept == 0);
        assert_int_equal(neap_stream_state(reading), NEAP_STREAM_CUT);
        assert_int_equal(neap_stream_reader_read(&reader, buffer, sizeof(buffer)), 0);
        assert_int_equal(neap_stream_reader_read_block(&reader, buffer), 0);
        assert_int_equal(neap_stream_reader_lag(&reader), 0);
        assert_false(neap_stream_reader_next(&reader, &span));
        assert_false(neap_stream_reader_done(&reader, 1));
        assert_true(neap_stream_reader_wait(&reader, 0, 0));
        assert_int_equal(reader.missed_bytes, 0);
        for (int i = 0; i < BLOCKS; i++)
            error = stream_bytes_write(writer, BLOCK_BYTES);
        assert_int_equal(error, NEAP_ERROR_FORMAT);
        assert_int_equal(neap_stream_claim(writer, 1, &span), NEAP_ERROR_FORMAT);
        assert_int_equal(neap_stream_close(writer), NEAP_OK);
        neap_stream_destroy(writer);
        neap_stream_destroy(reading);
        close(sockets[0]);
        close(sockets[1]);
    }
}

/* A process cuts the memory and gives it back while another reads. No reader delivers what was not written.
 */
static void memory_that_is_cut_meanwhile(void **state) {
    (void)state;
    uint8_t buffer[3 * BLOCK_BYTES];
    char path[128];
    snprintf(path, sizeof(path), "/dev/shm/neap.%s", name);
    for (int round = 0; round < 30; round++) {
        neap_stream_t *writer = share(), *reading = attach();
        struct neap_stream_reader reader;
        assert_int_equal(stream_bytes_write(writer, 9 * BLOCK_BYTES), NEAP_OK);
        pid_t child = fork();
        if (child == 0) {
            neap_os_sleep_ns((uint64_t)round * 10000);
            _exit(truncate(path, round % 3 * 4096) != 0);
        }
        neap_stream_reader_open(&reader, reading, NEAP_STREAM_READER_OLDEST);
        for (int i = 0; neap_stream_state(reading) == NEAP_STREAM_LIVE && i < 100000; i++) {
            size_t bytes = neap_stream_reader_read(&reader, buffer, sizeof(buffer));
            assert_true(stream_bytes_good(buffer, reader.offset - bytes, bytes));
            if (bytes == 0)
                neap_stream_reader_open(&reader, reading, NEAP_STREAM_READER_OLDEST);
        }
        assert_int_equal(end_of(child), 0);
        neap_stream_close(writer);
        neap_stream_destroy(writer);
        neap_stream_destroy(reading);
    }
}

static void strange_files(void **state) {
    (void)state;
    char path[128];
    neap_stream_t *stream = NULL;
    snprintf(path, sizeof(path), "/dev/shm/neap.%s", name);
    FILE *file = fopen(path, "w");
    assert_int_equal(neap_stream_attach(name, &stream), NEAP_ERROR_FORMAT); /* empty */
    assert_int_equal(neap_stream_share(name, 10, 10, 0600, &stream), NEAP_ERROR_FORMAT);
    fputs("not a stream", file);
    fclose(file);
    assert_int_equal(neap_stream_attach(name, &stream), NEAP_ERROR_FORMAT);
    assert_int_equal(neap_stream_share(name, 10, 10, 0600, &stream), NEAP_ERROR_FORMAT);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(neap_stream_attach(name, &stream), NEAP_ERROR_PERMISSION);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(neap_stream_attach(name, &stream), NEAP_ERROR_FORMAT); /* and does not hang */
    assert_int_equal(unlink(path), 0);
}

static unsigned open_files(void) {
    unsigned count = 0;
    for (int file = 0; file < 256; file++)
        count += fcntl(file, F_GETFD) >= 0;
    return count;
}

/* At whatever request memory runs out: nothing is made, and nothing is left. */
static void no_memory(void **state) {
    (void)state;
    unsigned before = open_files(), failures[3] = {0};
    neap_stream_t *stream = NULL;
    for (unsigned what = 0; what < 3; what++) { /* made, attached, gone on with */
        for (unsigned n = 1;; n++) {
            neap_os_fault_after(n);
            int error = what == 1 ? neap_stream_attach(name, &stream)
                                  : neap_stream_share(name, BLOCK_BYTES, BLOCKS, 0600, &stream);
            neap_os_fault_after(0);
            if (error == NEAP_OK)
                break;
            failures[what]++;
            assert_int_equal(error, NEAP_ERROR_MEMORY);
            assert_null(stream);
            assert_int_equal(open_files(), before);
            if (what == 0)
                assert_int_equal(neap_stream_attach(name, &stream), NEAP_ERROR_ABSENT);
        }
        neap_stream_destroy(stream);
        stream = NULL;
    }
    assert_int_equal(failures[0], 4);
    assert_int_equal(failures[1], 3);
    assert_int_equal(failures[2], 3);
}

/* --- stress ---------------------------------------------------------------------- */

static int verify_all(void) {
    uint8_t buffer[3 * BLOCK_BYTES];
    struct neap_stream_reader reader;
    neap_stream_t *stream;
    while (neap_stream_attach(name, &stream) == NEAP_ERROR_ABSENT)
        neap_os_sleep_ns(1000000);
    neap_stream_reader_open(&reader, stream, NEAP_STREAM_READER_OLDEST);
    uint64_t start = reader.offset, delivered = 0;
    for (unsigned turn = 0;; turn++) {
        int ended = neap_stream_state(stream) == NEAP_STREAM_CLOSED;
        size_t bytes = turn % 2 == 0 ? neap_stream_reader_read_block(&reader, buffer)
                                     : neap_stream_reader_read(&reader, buffer, sizeof(buffer));
        if (!stream_bytes_good(buffer, reader.offset - bytes, bytes))
            return 1;
        delivered += bytes;
        if (bytes == 0 && ended && neap_stream_reader_lag(&reader) == 0)
            break;
        if (bytes == 0)
            neap_stream_reader_wait(&reader, 1, 10);
    }
    return start + delivered + reader.missed_bytes == neap_stream_written(stream) && delivered > 0 ? 0 : 2;
}

static void write_until_killed(unsigned seed) {
    neap_stream_t *stream = share();
    for (;;) {
        seed = seed * 1664525 + 1013904223;
        stream_bytes_write(stream, 1 + (seed >> 8) % 5000);
    }
}

static void readers_and_dying_writers(void **state) {
    (void)state;
    pid_t readers[READING_PROCESSES];
    unsigned rounds = getenv("NEAP_TEST_LONG") ? 200 : ROUNDS;
    for (int i = 0; i < READING_PROCESSES; i++) {
        readers[i] = fork();
        if (readers[i] == 0)
            _exit(verify_all());
    }
    for (unsigned i = 0; i < rounds; i++) {
        pid_t writer = fork();
        if (writer == 0)
            write_until_killed(i);
        neap_os_sleep_ns(30 * 1000000 + i * 997);
        kill(writer, SIGKILL);
        assert_int_equal(end_of(writer), 128 + SIGKILL);
    }
    neap_stream_t *last = share();
    assert_true(neap_stream_written(last) > 0);
    assert_int_equal(stream_bytes_write(last, 2 * BLOCK_BYTES), NEAP_OK);
    assert_int_equal(neap_stream_close(last), NEAP_OK);
    for (int i = 0; i < READING_PROCESSES; i++)
        assert_int_equal(end_of(readers[i]), 0);
    neap_stream_destroy(last);
}

int main(void) {
#define TEST(function) cmocka_unit_test_setup_teardown(function, make_name, remove_name)
    const struct CMUnitTest tests[] = {
        TEST(names_and_measures),
        TEST(one_process),
        TEST(no_memory),
        TEST(strange_files),
        TEST(death_in_the_middle_of_a_write),
        TEST(children_of_the_writer),
        TEST(waiting_for_another_process),
        TEST(waiting_for_a_new_writer),
        TEST(death_in_a_write_longer_than_the_ring),
        TEST(memory_that_is_cut),
        TEST(memory_that_is_cut_meanwhile),
        TEST(readers_and_dying_writers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
