/* to be written */
typedef int request_c_is_empty;
