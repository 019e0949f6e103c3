"""What is: pure values of one look at the server, and the record that says what should be."""
