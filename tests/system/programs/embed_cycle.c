/* A program that embeds CPython: initialises it, runs a program and finalises
 * it, five times over. embed_cycle FILE */
#include <Python.h>

#include <stdio.h>
#include <string.h>

static int run_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    return PyRun_SimpleFileEx(file, path, 1);
}

int main(int count, char **words) {
    if (count != 2)
        return 2;
    for (int round = 0; round < 5; round++) {
        Py_InitializeEx(0);
        if (run_file(words[1]) != 0)
            return 1;
        /* What the raw domain holds lies outside Python's life. */
        char *raw = PyMem_RawMalloc(100);
        if (!raw)
            return 3;
        memset(raw, 'r', 100);
        if (Py_FinalizeEx() != 0)
            return 4;
        PyMem_RawFree(raw);
    }
    puts("ok");
    return 0;
}
