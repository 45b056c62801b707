/* to be written */
typedef int exchange_c_is_empty;
