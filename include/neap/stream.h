/* neap/stream.h: one writer, any number of readers, one chunk of memory for life.
 *
 * The stream is endless; its last bytes are kept in a ring of blocks. A byte has an
 * offset, counted from the first ever written, and lies at offset % ring:
 *
 *       block 0        block 1        block 2        block 3
 *     +--------------+--------------+--------------+--------------+
 *     | 16 17 18 19  | 20 21 ** **  | 8  9  10 11  | 12 13 14 15  |
 *     +--------------+--------------+--------------+--------------+
 *                      written = 22   oldest = 8: the first block still whole
 *                      claimed = 24: ** may be half written; what was there is gone
 *
 * The writer raises `claimed`, writes, then raises `written`. A reader takes what lies below `written`
 * and then looks at `claimed`: was it raised past what it took, it throws that away. So no torn
 * byte is delivered as good, the writer waits for nobody, and a writer that died leaves nothing
 * to repair. In C11: claimed relaxed, release fence, data relaxed, written release; the
 * reader written acquire, data relaxed, acquire fence, claimed relaxed.
 *
 * Threads: the writing calls belong to one thread at a time, and each reader to one; between
 * them there is no lock. Only constructors allocate.
 */
#ifndef NEAP_STREAM_H
#define NEAP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <neap/allocator.h>
#include <neap/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct neap_stream neap_stream_t;

enum neap_stream_state {
    NEAP_STREAM_LIVE = 0,   /* there is, or may be, a writer */
    NEAP_STREAM_CLOSED = 1, /* the writer said that this is all */
    NEAP_STREAM_DIED = 2    /* shared: the writing process ended without saying so; one may follow it */
};

/* Bytes of the ring; laid out as struct iovec, for writev and its like. */
struct neap_span {
    void *data;
    size_t bytes;
};

/* One reader, in the caller's memory; 32 bytes. May be copied (both then go on from there)
 * and forgotten at any time. `offset` and `missed_bytes` may be read, the rest is private. */
struct neap_stream_reader {
    neap_stream_t *stream;
    uint64_t offset;       /* of the next byte */
    uint64_t missed_bytes; /* that it fell out of the window for, all told */
    uint32_t block, within;
};

/* --- the stream -------------------------------------------------------- */

/* Makes a ring of block_count blocks, both 1 or more and below 2^32. All of it is in memory from
 * the start. With NULL for `allocator` it is a mapping of its own, else one block of the allocator's.
 * NULL if a number is out of range or there is no memory. The caller owns it. */
neap_stream_t *neap_stream_new(size_t block_bytes, size_t block_count,
                               const struct neap_allocator *allocator);

/* Ends it; no call may be under way, and its readers must not be used any more. NULL is allowed.
 * A shared one that its writer did not close counts as died for the others. */
void neap_stream_destroy(neap_stream_t *stream);

/* Appends `bytes` of any number; of a piece longer than the ring only its end stays.
 * NEAP_ERROR_PERMISSION: this one only reads. NEAP_ERROR_ARGUMENT: it is closed. */
int neap_stream_write(neap_stream_t *stream, const void *data, size_t bytes);

/* To receive right into the ring: *span is where the next bytes go, at least 1 and at most `bytes`
 * (> 0). What they replace is lost to readers from now on. Errors as of write. */
int neap_stream_claim(neap_stream_t *stream, size_t bytes, struct neap_span *span);

/* Appends the first `bytes` of what was claimed last. NEAP_ERROR_ARGUMENT: so many were not. */
int neap_stream_commit(neap_stream_t *stream, size_t bytes);

/* Says that this is all. Readers get what is left, and waiting ones wake. Errors as of write,
 * but closing twice is fine. The name of a shared one is then free. */
int neap_stream_close(neap_stream_t *stream);

/* Any thread. DIED costs a system call to find out, and is only said of shared ones. */
enum neap_stream_state neap_stream_state(const neap_stream_t *stream);

/* Bytes ever written, and the offset of the oldest block still whole (or of the end). Any thread. */
uint64_t neap_stream_written(const neap_stream_t *stream);
uint64_t neap_stream_oldest(const neap_stream_t *stream);

/* What it was made with; and all the memory it holds, in bytes. Any thread. */
size_t neap_stream_block_bytes(const neap_stream_t *stream);
size_t neap_stream_block_count(const neap_stream_t *stream);
size_t neap_stream_memory_bytes(const neap_stream_t *stream);

/* Whether this one may write: made here, or shared, and not in a forked child. */
bool neap_stream_writes(const neap_stream_t *stream);

/* Verifies every invariant, while nobody writes. False at the first that does not hold, with a
 * static text in *why. */
bool neap_stream_check(const neap_stream_t *stream, const char **why);

/* --- shared between processes ------------------------------------------ */

/* Makes the stream `name` (1 to 200 bytes, no '/') in shared memory, to be written by this process
 * alone, with access rights `mode` as of a file. If one of the same measures was left by a writer that
 * died, it is gone on with, and its readers go on too; one of other measures is replaced.
 * NEAP_ERROR_BUSY: somebody writes it. NEAP_ERROR_PERMISSION: it is another user's.
 * NEAP_ERROR_ARGUMENT: a name or a number is out of range. NEAP_ERROR_MEMORY, NEAP_ERROR_SYSTEM. */
int neap_stream_share(const char *name, size_t block_bytes, size_t block_count, unsigned mode,
                      neap_stream_t **stream);

/* Maps the stream `name` for reading. NEAP_ERROR_ABSENT: there is none. NEAP_ERROR_FORMAT: that is no
 * stream of ours. Else as share. What is in it is not believed; but whoever may write the
 * memory itself can cut it short under a reader, so let `mode` name whom you trust. */
int neap_stream_attach(const char *name, neap_stream_t **stream);

/* Removes a name that a dead writer left; who is attached stays so. NEAP_ERROR_ABSENT,
 * NEAP_ERROR_BUSY (it is being written), NEAP_ERROR_PERMISSION. */
int neap_stream_unlink(const char *name);

/* --- readers ----------------------------------------------------------- */

#define NEAP_STREAM_READER_OLDEST UINT64_MAX

/* Puts a reader `back_bytes` behind what is written now, or at the oldest block if that is nearer. */
void neap_stream_reader_open(struct neap_stream_reader *reader, neap_stream_t *stream, uint64_t back_bytes);

/* All below first see whether the reader fell out of the window, and then go on at the
 * oldest block still there and add to missed_bytes. A reader that is overtaken again and
 * again while it reads goes further ahead, twice as far each time. */

/* Bytes there are to read now. */
uint64_t neap_stream_reader_lag(struct neap_stream_reader *reader);

/* Copies up to `bytes` and returns how many; 0: nothing is there now. They followed each other and
 * end at the reader's new offset: it returns fewer where some in between are lost. */
size_t neap_stream_reader_read(struct neap_stream_reader *reader, void *buffer, size_t bytes);

/* Copies the rest of the reader's block, at most block_bytes, once it is complete; of a stream that
 * ended also an incomplete one. 0: not yet. */
size_t neap_stream_reader_read_block(struct neap_stream_reader *reader, void *buffer);

/* The same without a copy: *block is the place in the ring. Use it, then call done: until then it
 * may be overwritten at any moment. False: not yet. */
bool neap_stream_reader_next(struct neap_stream_reader *reader, struct neap_span *block);

/* Up to `bytes` of what is there, as 0, 1 or 2 spans (returned), for writev and its like. Then done. */
unsigned neap_stream_reader_peek(struct neap_stream_reader *reader, size_t bytes, struct neap_span spans[2]);

/* Whether the next `bytes`, which next or peek gave, are as they were written, and moves the reader
 * behind them. False: they were overwritten meanwhile, throw away what was made of them; the
 * reader goes on at the oldest block. */
bool neap_stream_reader_done(struct neap_stream_reader *reader, size_t bytes);

/* Sends up to `bytes` to a socket, right out of the ring, and moves behind what went. Never waits.
 * 0 with *sent == 0: nothing is there. NEAP_ERROR_BUSY: the socket takes nothing now. NEAP_ERROR_SYSTEM:
 * errno tells. NEAP_ERROR_OVERRUN: the writer lapped this very call, and the other side
 * got bytes that are no good: close the socket. A reader near the end of its window is sent from a
 * verified copy, so that this takes a writer that fills a quarter of the ring within one call. */
int neap_stream_reader_send(struct neap_stream_reader *reader, int socket, size_t bytes, size_t *sent);

/* Sleeps until `bytes` are there to read (0: until read_block would give something), the stream ended,
 * a signal came or `ms` milliseconds passed (0: no limit). Whether it is so. */
bool neap_stream_reader_wait(struct neap_stream_reader *reader, uint64_t bytes, uint32_t ms);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
