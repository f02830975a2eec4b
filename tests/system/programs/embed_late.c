/* A program that loads libpython only when it runs, as a server does for a
 * plugin. embed_late LIBRARY FILE [wait]: says "ok", and with `wait` stays until
 * its input ends. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*initialise_fn)(int);
typedef int (*run_fn)(FILE *, const char *, int, void *);
typedef int (*finalise_fn)(void);

static void *symbol(void *library, const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

int main(int count, char **words) {
    if (count < 3)
        return 2;
    char *before = malloc(1000); /* libc is in use before there is a Python */
    memset(before, 'x', 1000);
    void *library = dlopen(words[1], RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    initialise_fn initialise = (initialise_fn)symbol(library, "Py_InitializeEx");
    run_fn run = (run_fn)symbol(library, "PyRun_SimpleFileExFlags");
    finalise_fn finalise = (finalise_fn)symbol(library, "Py_FinalizeEx");
    initialise(0);
    FILE *file = fopen(words[2], "r");
    if (!file || run(file, words[2], 1, NULL) != 0)
        return 1;
    puts("ok");
    fflush(stdout);
    if (count > 3)
        while (getchar() != EOF) {
        }
    if (finalise() != 0)
        return 3;
    free(before);
    return 0;
}
