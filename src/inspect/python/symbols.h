/* inspect/python/symbols.h: where the variables of the interpreter in a process are.
 *
 *     file:     ELF .dynsym (never stripped), .symtab, section .PyRuntime
 *     process:  the mappings of that file ── load bias = start - p_vaddr of the segment
 *
 * The file is libpython or the program itself, whichever defines _PyRuntime; it is opened
 * as the target sees it (other mount namespaces, deleted files). A second mapping of the
 * same file that is no load of it (a program that reads its own binary) is told apart by
 * its segments: one that has the writable data wins. Any thread.
 */
#ifndef NEAP_INSPECT_PYTHON_SYMBOLS_H
#define NEAP_INSPECT_PYTHON_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "inspect/process/process_image.h"

struct neap_symbol_range {
    uint64_t address, bytes; /* in the process; address 0: not there. bytes 0: not told */
};

struct neap_interpreter {
    char path[512];                   /* of the file, as the target sees it */
    uint64_t bias;                    /* added to addresses in the file */
    uint64_t image_start, image_end;  /* its mappings, from the first to the end of .bss */
    uint64_t data_start, data_end;    /* of these the writable ones, .data to the end of .bss */
    struct neap_symbol_range runtime; /* _PyRuntime, else section .PyRuntime */
};

/* Finds the interpreter among the mappings. NEAP_ERROR_ABSENT if no file defines _PyRuntime or
 * has the section. */
int neap_symbols_interpreter(const struct neap_process_image *image, struct neap_interpreter *interpreter);

/* Looks `count` names up in the interpreter's file; ranges[i] of one that is not there is 0, 0.
 * NEAP_ERROR_ABSENT if the file cannot be opened, NEAP_ERROR_FORMAT if it is no ELF. */
int neap_symbols_find(const struct neap_process_image *image, const struct neap_interpreter *interpreter,
                      const char *const *names, size_t count, struct neap_symbol_range *ranges);

#endif
