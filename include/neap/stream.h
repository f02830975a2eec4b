/* neap/stream.h: one writer, any number of readers, and a fixed amount of memory.
 *
 * A stream has no end; its last bytes are kept in a ring of blocks. The offset of a byte
 * counts from the first byte ever written. The byte lies at offset % ring:
 *
 *       block 0        block 1        block 2        block 3
 *     +--------------+--------------+--------------+--------------+
 *     | 16 17 18 19  | 20 21 ** **  | 8  9  10 11  | 12 13 14 15  |
 *     +--------------+--------------+--------------+--------------+
 *                      written = 22   oldest = 8: the first block still whole
 *                      claimed = 24: ** may be half written; the bytes at offsets 6 and 7 are gone
 *
 * The writer raises `claimed`, writes, and then raises `written`. A reader copies bytes below
 * `written` and then loads `claimed`. If the claim reaches the copied bytes, the reader drops them.
 * So a reader never delivers a torn byte, the writer never waits, and a writer that dies leaves
 * nothing to repair. Writer: claimed relaxed, release fence, data relaxed, written release.
 * Reader: written acquire, data relaxed, acquire fence, claimed relaxed.
 *
 * Threads: one thread at a time may write, and one may use each reader. There is no lock between
 * them. Only constructors allocate.
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
    NEAP_STREAM_CLOSED = 1, /* the writer closed the stream */
    NEAP_STREAM_DIED = 2,   /* shared: the writer's process ended without closing; a new writer may follow */
    NEAP_STREAM_CUT = 3 /* shared: somebody cut the memory short; nothing can be read or written any more */
};

/* Bytes of the ring; laid out as struct iovec, for writev and its like. */
struct neap_span {
    void *data;
    size_t bytes;
};

/* One reader, in the caller's memory; 32 bytes. It may be copied (both copies then continue from the
 * same offset) and dropped at any time. The caller may read `offset` and `missed_bytes`; the other
 * members are private. */
struct neap_stream_reader {
    neap_stream_t *stream;
    uint64_t offset;       /* of the next byte */
    uint64_t missed_bytes; /* overwritten before the reader came to them, in total */
    uint32_t block : 31;
    uint32_t told_of_death : 1; /* neap_stream_reader_wait has said that the writer died */
    uint32_t within;
};

/* --- the stream -------------------------------------------------------- */

/* Makes a stream with a ring of block_count blocks; both numbers are 1 or more, block_bytes is below 2^32 and
 * block_count below 2^31. All of it is in memory from the start: one block of the allocator's or, if
 * `allocator` is NULL, a mapping. Returns NULL if a number is out of range or there is no memory. The caller
 * owns the stream and ends it with neap_stream_destroy. */
neap_stream_t *neap_stream_new(size_t block_bytes, size_t block_count,
                               const struct neap_allocator *allocator);

/* Ends a stream. No call on it may be under way, and its readers must not be used any more. NULL is
 * allowed. If the writer of a shared stream did not close it before, the readers see it as died. */
void neap_stream_destroy(neap_stream_t *stream);

/* Appends any number of bytes. If there are more than the ring holds, only the last ones stay. It ends
 * a claim. NEAP_ERROR_PERMISSION: this process may only read. NEAP_ERROR_ARGUMENT: the stream is closed.
 * NEAP_ERROR_FORMAT: the stream's memory was cut short. */
int neap_stream_write(neap_stream_t *stream, const void *data, size_t bytes);

/* Prepares to write into the ring without a copy: *span is where the next bytes go, at least 1 and at
 * most `bytes` (> 0). Readers cannot read the bytes that lay there any more. Errors as for write. */
int neap_stream_claim(neap_stream_t *stream, size_t bytes, struct neap_span *span);

/* Appends the first `bytes` of the last claim, which ends it: nothing may be written through its span any
 * more. NEAP_ERROR_ARGUMENT: the claim was smaller, or a write or a commit has ended it since. Other errors
 * as for write. */
int neap_stream_commit(neap_stream_t *stream, size_t bytes);

/* Closes the stream. Readers get the remaining bytes, and waiting readers wake up. The name of a
 * shared stream becomes free. NEAP_ERROR_PERMISSION as for write; closing twice is no error. */
int neap_stream_close(neap_stream_t *stream);

/* Any thread. For a shared stream that is not closed, this makes a system call. Only a shared stream
 * can be DIED or CUT. */
enum neap_stream_state neap_stream_state(const neap_stream_t *stream);

/* Bytes ever written; and the offset of the oldest block that is still whole, or of the end if there
 * is none. Any thread. */
uint64_t neap_stream_written(const neap_stream_t *stream);
uint64_t neap_stream_oldest(const neap_stream_t *stream);

/* The measures that the stream was made with; and all memory it holds, in bytes. Any thread. */
size_t neap_stream_block_bytes(const neap_stream_t *stream);
size_t neap_stream_block_count(const neap_stream_t *stream);
size_t neap_stream_memory_bytes(const neap_stream_t *stream);

/* Whether this process may write: it made or shared the stream. A forked child may not write a shared
 * one. */
bool neap_stream_writes(const neap_stream_t *stream);

/* Verifies every invariant; no thread may write meanwhile. Returns false, with a static text in *why,
 * at the first that does not hold. */
bool neap_stream_check(const neap_stream_t *stream, const char **why);

/* --- shared between processes ------------------------------------------ */

/* Makes the stream `name` (1 to 200 bytes, no '/') in shared memory. Only this process may write it;
 * `mode` says who may attach, as the mode of a file does; its bits for writing count for the owner only.
 * If a dead writer left a stream of that name and of the same measures, this process continues it, and so do
 * its readers. One of other measures is replaced. NEAP_ERROR_BUSY: another process writes it.
 * NEAP_ERROR_PERMISSION: it belongs to another user. NEAP_ERROR_ARGUMENT: a name or a number is out of range.
 * NEAP_ERROR_MEMORY, NEAP_ERROR_SYSTEM. */
int neap_stream_share(const char *name, size_t block_bytes, size_t block_count, unsigned mode,
                      neap_stream_t **stream);

/* Maps the stream `name` for reading, if it is the caller's own or root's: anybody may put a stream under a
 * name. NEAP_ERROR_ABSENT: there is none. NEAP_ERROR_FORMAT: it is not a stream of Neap's.
 * NEAP_ERROR_PERMISSION: it belongs to another user, others may write it, or it is a link. Other errors as
 * for share. Everything read from it is checked. Its owner can cut the memory short; the state then is
 * NEAP_STREAM_CUT. To notice that, a handler of SIGBUS is installed with the first shared stream; it passes
 * on every other SIGBUS. A thread that blocks SIGBUS has no such help. */
int neap_stream_attach(const char *name, neap_stream_t **stream);

/* The same for the stream of user `owner` (a uid) and of no other. */
int neap_stream_attach_of(const char *name, uint32_t owner, neap_stream_t **stream);

/* Removes the name that a dead writer left. Attached processes stay attached. NEAP_ERROR_ABSENT,
 * NEAP_ERROR_BUSY (a process writes it), NEAP_ERROR_PERMISSION. */
int neap_stream_unlink(const char *name);

/* --- readers ----------------------------------------------------------- */

#define NEAP_STREAM_READER_OLDEST UINT64_MAX

/* Sets a reader to `back_bytes` before the current end, or to the oldest block if that is nearer. */
void neap_stream_reader_open(struct neap_stream_reader *reader, neap_stream_t *stream, uint64_t back_bytes);

/* Sets a reader to the byte at `offset`, to the oldest block if that byte has been overwritten, or to the end
 * if it has not been written yet. */
void neap_stream_reader_open_at(struct neap_stream_reader *reader, neap_stream_t *stream, uint64_t offset);

/* All calls below first check whether the writer has overtaken the reader. If so, the reader moves to
 * the oldest block that is left, and missed_bytes grows. If the writer overtakes it again while it
 * reads, it moves further ahead, twice as far each time. Nothing can be read of a stream that is
 * NEAP_STREAM_CUT. */

/* How many bytes can be read now. */
uint64_t neap_stream_reader_lag(struct neap_stream_reader *reader);

/* Copies up to `bytes` and returns how many it copied; 0 if there are none now. The copied bytes are
 * contiguous in the stream and end at the reader's new offset. */
size_t neap_stream_reader_read(struct neap_stream_reader *reader, void *buffer, size_t bytes);

/* Copies the rest of the reader's block, at most block_bytes, if the block is complete or the stream
 * has ended. Returns how many bytes it copied; 0: not yet. */
size_t neap_stream_reader_read_block(struct neap_stream_reader *reader, void *buffer);

/* The same without a copy: *block is the memory in the ring. The writer may overwrite it at any moment.
 * Use it, and then call neap_stream_reader_done, which says whether that happened. False: not yet. */
bool neap_stream_reader_next(struct neap_stream_reader *reader, struct neap_span *block);

/* Returns up to `bytes` of the bytes that can be read now, as 0, 1 or 2 spans, for writev and the like;
 * the result is the number of spans. Call neap_stream_reader_done afterwards. */
unsigned neap_stream_reader_peek(struct neap_stream_reader *reader, size_t bytes, struct neap_span spans[2]);

/* Ends the use of the next `bytes`, which next or peek returned. True: they were not overwritten, and
 * the reader has moved past them. False: they were overwritten meanwhile; drop all that was made from
 * them. The reader then is at the oldest block. */
bool neap_stream_reader_done(struct neap_stream_reader *reader, size_t bytes);

/* Sends up to `bytes` to a socket directly from the ring, and moves the reader past those that were
 * sent. Never waits. Returns 0 with *sent == 0 if there is nothing to send. NEAP_ERROR_BUSY: the socket
 * accepts nothing now. NEAP_ERROR_SYSTEM: see errno. NEAP_ERROR_OVERRUN: the writer overtook the
 * reader during this call, and the other side got wrong bytes: close the socket. A reader that the
 * writer has nearly overtaken is sent from a verified copy, so that an overrun takes a writer that
 * fills a quarter of the ring within one call. */
int neap_stream_reader_send(struct neap_stream_reader *reader, int socket, size_t bytes, size_t *sent);

/* Sleeps until `bytes` can be read (0: until read_block would return some), the stream has ended, a
 * signal arrives or `ms` milliseconds have passed (0: no limit). Returns whether the bytes are there or
 * the stream has ended. That its writer died, a reader is told once; the next call waits for a new writer's
 * bytes, so that to wait for one is no busy loop. */
bool neap_stream_reader_wait(struct neap_stream_reader *reader, uint64_t bytes, uint32_t ms);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
