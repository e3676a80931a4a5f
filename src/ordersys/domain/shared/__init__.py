"""What every context may know: ids, money, errors, the event marker, the clock port."""
