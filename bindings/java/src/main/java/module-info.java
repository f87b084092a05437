/** libquant for Java: quantize language models, run them, and know what was lost. */
module dev.libquant {
    exports dev.libquant;
}
