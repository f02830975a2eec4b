/* What C code does that takes memory from CPython while others hold the GIL. ctypes lets go of the GIL for
 * these calls. CPython passes requests of more than 512 bytes to malloc, which is thread-safe; so this works
 * there. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *PyMem_Malloc(size_t bytes);
void *PyMem_Calloc(size_t count, size_t bytes);
void *PyMem_Realloc(void *block, size_t bytes);
void PyMem_Free(void *block);
void *PyObject_Malloc(size_t bytes);
void PyObject_Free(void *block);

enum { SLOTS = 64, LEAST = 513 };

static unsigned next(unsigned *seed) {
    return (*seed = *seed * 1103515245u + 12345u) >> 8;
}

static long damage(const unsigned char *block, size_t bytes, int number) {
    long damaged = 0;
    for (size_t i = 0; i < bytes; i += 97)
        damaged += block[i] != (unsigned char)number;
    return damaged;
}

/* Takes, resizes and frees blocks of LEAST to `most` bytes; with `shrink`, some of them become smaller than
 * that. Returns the number of bytes found damaged; -1 if there was no memory. */
long use_blocks(unsigned seed, int steps, int most, int shrink) {
    unsigned char *blocks[SLOTS] = {0};
    size_t bytes[SLOTS] = {0};
    long damaged = 0;
    for (int i = 0; i < steps; i++) {
        unsigned n = next(&seed) % SLOTS;
        size_t wish = LEAST + next(&seed) % (unsigned)(most - LEAST);
        damaged += damage(blocks[n], bytes[n], (int)n);
        switch (next(&seed) % 4) {
        case 0:
            PyMem_Free(blocks[n]);
            blocks[n] = PyMem_Malloc(wish);
            break;
        case 1:
            PyMem_Free(blocks[n]);
            blocks[n] = PyMem_Calloc(1, wish);
            if (blocks[n])
                damaged += damage(blocks[n], wish, 0);
            break;
        case 2:
            if (shrink && blocks[n])
                wish %= LEAST;
            blocks[n] = PyMem_Realloc(blocks[n], wish);
            if (blocks[n])
                damaged += damage(blocks[n], wish < bytes[n] ? wish : bytes[n], (int)n);
            break;
        default:
            PyObject_Free(PyObject_Malloc(wish));
            continue;
        }
        if (!blocks[n])
            return -1;
        bytes[n] = wish;
        memset(blocks[n], (int)n, wish);
    }
    for (int n = 0; n < SLOTS; n++)
        PyMem_Free(blocks[n]);
    return damaged;
}

/* What CPython does not do without the GIL either. */
void *take(size_t bytes) {
    void *block = PyMem_Malloc(bytes);
    if (!block)
        abort(); /* and the call above is no jump, so that it has an address to return to */
    return block;
}

void give(void *block) {
    PyMem_Free(block);
    if (!block)
        abort();
}
