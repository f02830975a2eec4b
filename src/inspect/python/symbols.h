/* inspect/python/symbols.h: finds the variables of the interpreter in a process.
 *
 *     file:     ELF .dynsym (never stripped), .symtab, section .PyRuntime
 *     process:  the mappings of that file ── load bias = start - p_vaddr of the segment
 *
 * The file is libpython or the program itself, whichever defines _PyRuntime. It is the one that
 * the image has open, or else is opened for the call (inspect/process/image_file.h). A program may also map
 * its own file as data; the loaded file is told apart by a mapping that matches its writable ELF segment. Any
 * thread.
 */
#ifndef NEAP_INSPECT_PYTHON_SYMBOLS_H
#define NEAP_INSPECT_PYTHON_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include <neap/error.h>

#include "inspect/process/process_image.h"

struct neap_symbol_range {
    uint64_t address, bytes; /* in the process; address 0: there is none; bytes 0: not known */
};

struct neap_interpreter {
    char path[512];                   /* of the file, as the target sees it */
    uint64_t bias;                    /* address in the process minus address in the file */
    uint64_t image_start, image_end;  /* its mappings, from the first to the end of .bss */
    uint64_t data_start, data_end;    /* its writable mappings, .data to the end of .bss */
    struct neap_symbol_range runtime; /* _PyRuntime, else section .PyRuntime */
};

/* Finds the interpreter among the mappings. NEAP_ERROR_ABSENT if no file defines _PyRuntime or
 * has the section. */
int neap_symbols_interpreter(const struct neap_process_image *image, struct neap_interpreter *interpreter);

/* Looks up `count` names, at most NEAP_ELF_NAMES_MOST, in the interpreter's file. ranges[i] is 0, 0 if there
 * is no such name. NEAP_ERROR_ABSENT if the file cannot be opened, NEAP_ERROR_FORMAT if it is not an ELF
 * file. */
int neap_symbols_find(const struct neap_process_image *image, const struct neap_interpreter *interpreter,
                      const char *const *names, size_t count, struct neap_symbol_range *ranges);

#endif
