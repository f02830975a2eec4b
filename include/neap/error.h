/* neap/error.h: all errors, as one enumeration.
 *
 * A function that can fail returns 0 or one of these (all are negative). Its
 * results come last among the parameters and are untouched on failure.
 * Constructors return NULL instead. Any thread may call neap_error_text.
 */
#ifndef NEAP_ERROR_H
#define NEAP_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum neap_error {
    NEAP_OK = 0,
    NEAP_ERROR_MEMORY = -1,     /* the system gave no memory, or a limit was reached */
    NEAP_ERROR_ARGUMENT = -2,   /* a parameter is outside its documented range */
    NEAP_ERROR_PERMISSION = -3, /* the system refused: other user, ptrace scope, container */
    NEAP_ERROR_PROCESS = -4,    /* no such process, or it ended meanwhile */
    NEAP_ERROR_FORMAT = -5,     /* a file or memory is not of the expected format, or is damaged */
    NEAP_ERROR_ABSENT = -6,     /* it does not exist (no Neap heap, no program, no file) */
    NEAP_ERROR_SYSTEM = -7,     /* any other error of the system; errno has it */
    NEAP_ERROR_TIMEOUT = -8,    /* the other side did not answer in time */
    NEAP_ERROR_BUSY = -9,       /* in use by another, or cannot accept data now; try again later */
    NEAP_ERROR_OVERRUN = -10,   /* it was overwritten while it was being used */
};

/* One short English phrase for an error, static; never NULL. */
const char *neap_error_text(int error);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
