/* broadcast_ring.c: one source, listeners of every speed, memory that does not grow.
 *
 *     cc broadcast_ring.c $(pkg-config --cflags --libs neap) && ./a.out
 *
 * A radio sends frames to whoever listens. A listener that joins gets the last second at once, so
 * that it can start to play; one that is too slow loses the middle and is told how much. The
 * ring and the readers are all the memory there is.
 */
#include <stdio.h>
#include <string.h>

#include <neap/neap.h>

enum { FRAME_BYTES = 64, SECOND_BYTES = 8 * FRAME_BYTES, FRAMES_KEPT = 16 };

struct listener {
    const char *name;
    struct neap_stream_reader reader; /* 32 bytes, in the listener's own memory */
};

/* Plays up to `frames`, straight from the ring, and says which were the first and the last. */
static void play(struct listener *listener, unsigned frames) {
    struct neap_span frame;
    char first[FRAME_BYTES] = "", last[FRAME_BYTES] = "";
    while (frames-- > 0 && neap_stream_reader_next(&listener->reader, &frame)) {
        memcpy(last, frame.data, frame.bytes);
        if (!neap_stream_reader_done(&listener->reader, frame.bytes))
            continue; /* overwritten while we looked: not heard */
        if (first[0] == '\0')
            memcpy(first, last, sizeof(first));
    }
    printf("%s: %s to %s, missed %d bytes\n", listener->name, first, last,
           (int)listener->reader.missed_bytes);
}

static void send_frames(neap_stream_t *radio, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        char frame[FRAME_BYTES] = "";
        snprintf(frame, sizeof(frame), "frame %u", i);
        neap_stream_write(radio, frame, sizeof(frame)); /* never waits for anybody */
    }
}

int main(void) {
    neap_stream_t *radio = neap_stream_new(FRAME_BYTES, FRAMES_KEPT, NULL);
    if (!radio)
        return 1;
    struct listener eager = {"eager", {0}}, slow = {"slow", {0}}, late = {"late", {0}};
    neap_stream_reader_open(&eager.reader, radio, 0);
    neap_stream_reader_open(&slow.reader, radio, 0);
    send_frames(radio, 0, 10);
    play(&eager, 10);
    send_frames(radio, 10, 20);
    play(&eager, 10);
    play(&slow, 3);
    neap_stream_reader_open(&late.reader, radio, SECOND_BYTES);
    play(&late, 100);
    send_frames(radio, 20, 100);
    play(&slow, 100);
    neap_stream_destroy(radio);
    return 0;
}
